"""`lemof experiments`: the tables on what the paper leaves open."""

import shlex
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lemof_stream.cli.cohort_options import CohortName, Data, folders
from lemof_stream.cli.stage_bars import stage_bars
from lemof_stream.cohorts.bidmc import NAME as WAVEFORMS
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
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Folds of people, each scored by what learnt from the others. (30% are, by what learnt from 70%)",
        ),
    ] = None,
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
    if train and folds:
        raise ConfigError("Folds are of the stays of --data: leave --folds out, or --train and --test.")
    experiment = EXPERIMENTS[name]
    if experiment.waveforms and (train or folds):
        raise ConfigError(f"The experiment {name} trains nothing: name its recordings with --data alone.")
    folder = report.report_folder(out)
    one_thread()

    waveforms = tuple(folders(WAVEFORMS, data, load_settings())) if experiment.waveforms else ()
    stays = _Stays(cohort, data, train, test, folds)
    with stage_bars() as (progress, _):
        settings = [
            Setting(
                partial(stays.fold, k), tuple(range(seeds)), progress, *experiment.recipe(cohort), waveforms
            )
            for k in range(folds or 1)
        ]
        command = (
            shlex.join(["lemof", "experiments", "run", name, *_named("--data", data)])
            if experiment.waveforms
            else _command(name, cohort, data, train, test, folds, seeds)
        )
        files = report.run(experiment, settings, stays.scored, command, folder)
    typer.echo("\n".join(map(str, files)))


@dataclass(frozen=True)
class _Stays:
    """The stays that were named, read by who needs them."""

    cohort: str
    data: list[Path] | None
    train: list[Path] | None
    test: list[Path] | None
    folds: int | None

    @cached_property
    def _whole(self) -> "Cohort":
        from lemof_stream.cohorts import read_cohort

        return read_cohort(self.cohort, *folders(self.cohort, self.data, load_settings()))

    @cached_property
    def _parts(self) -> "list[tuple[Cohort, Cohort]]":
        from lemof_stream.cohorts import read_cohort
        from lemof_stream.training.experiments.setting import fold_people, split_people

        if self.train and self.test:
            return [(read_cohort(self.cohort, *self.train), read_cohort(self.cohort, *self.test))]
        return fold_people(self._whole, self.folds) if self.folds else [split_people(self._whole)]

    def fold(self, k: int) -> "tuple[Cohort, Cohort]":
        """Training and test stays."""
        return self._parts[k]

    def scored(self) -> "Cohort":
        """The test stays of all folds."""
        return self._whole if self.folds else self._parts[0][1]


def _command(
    name: str,
    cohort: str,
    data: list[Path] | None,
    train: list[Path] | None,
    test: list[Path] | None,
    folds: int | None,
    seeds: int,
) -> str:
    """What was asked for, with the folders' own names, as their places differ between machines."""
    words = ["lemof", "experiments", "run", name, "--cohort", cohort]
    for option, named in (("--data", data), ("--train", train), ("--test", test)):
        words += _named(option, named)
    words += ["--folds", str(folds)] if folds else []
    return shlex.join([*words, "--seeds", str(seeds)])


def _named(option: str, named: list[Path] | None) -> list[str]:
    return [word for folder in named or () for word in (option, folder.resolve().name)]
