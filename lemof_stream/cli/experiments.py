"""`lemof experiments`: the tables on what the paper leaves open."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lemof_stream.cli.cohort_options import CohortName, Data, folders
from lemof_stream.cli.stage_bars import stage_bars
from lemof_stream.errors import ConfigError
from lemof_stream.settings import load_settings

if TYPE_CHECKING:
    from lemof_stream.cohorts import Cohort

app = typer.Typer(help="Compare variants of the model, with intervals.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Name every experiment."""
    from lemof_stream.training.experiments.registry import EXPERIMENTS

    for name, experiment in EXPERIMENTS.items():
        typer.echo(f"{name:<12}{experiment.sentence}")


@app.command()
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of `lemof experiments list`.")],
    cohort: CohortName = "physionet2012",
    data: Data = None,
    train: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Stays to train on; with --test in the place of --data, whose people are parted.",
        ),
    ] = None,
    test: Annotated[list[Path] | None, typer.Option(metavar="DIR", help="Stays to score on.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each variant, averaged.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where NAME.md, .json and .png go. (the checkout's reports)"),
    ] = None,
) -> None:
    """Run one experiment and write its table, its numbers and its figure."""
    from lemof_stream.training.experiments import report
    from lemof_stream.training.experiments.registry import EXPERIMENTS
    from lemof_stream.training.experiments.setting import Setting
    from lemof_stream.training.predict import one_thread

    if name not in EXPERIMENTS:
        raise ConfigError(f"There is no experiment {name}; there are {', '.join(EXPERIMENTS)}.")
    if bool(train) != bool(test) or (train and data):
        raise ConfigError("Name the stays with --train and --test together, or with --data alone.")
    folder = report.report_folder(out)
    one_thread()

    def read() -> "tuple[Cohort, Cohort]":
        return _read(cohort, data, train, test)

    with stage_bars() as (progress, _):
        setting = Setting(read, tuple(range(seeds)), progress)
        files = report.run(
            EXPERIMENTS[name], setting, _command(name, cohort, data, train, test, seeds), folder
        )
    typer.echo("\n".join(map(str, files)))


def _read(
    cohort: str, data: list[Path] | None, train: list[Path] | None, test: list[Path] | None
) -> "tuple[Cohort, Cohort]":
    from lemof_stream.cohorts import read_cohort
    from lemof_stream.training.experiments.setting import split_people

    if train and test:
        return read_cohort(cohort, *train), read_cohort(cohort, *test)
    return split_people(read_cohort(cohort, *folders(cohort, data, load_settings())))


def _command(
    name: str,
    cohort: str,
    data: list[Path] | None,
    train: list[Path] | None,
    test: list[Path] | None,
    seeds: int,
) -> str:
    """What was asked for, with the folders' own names, as their places differ between machines."""
    words = ["lemof", "experiments", "run", name, "--cohort", cohort]
    for option, named in (("--data", data), ("--train", train), ("--test", test)):
        for folder in named or ():
            words += [option, folder.resolve().name]
    return shlex.join([*words, "--seeds", str(seeds)])
