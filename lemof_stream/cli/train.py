"""`lemof train`: fit a checkpoint on a cohort."""

from pathlib import Path
from typing import Annotated

import typer

from lemof_stream.cli.cohort_options import CohortName, Data, folders
from lemof_stream.cli.stage_bars import stage_bars
from lemof_stream.settings import load_settings


def command(
    cohort: CohortName,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The checkpoint's folder.")],
    data: Data = None,
    evaluation: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Output of `lemof evaluate --json` on other stays, for the model card."
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A TOML file with what differs from the cohort's own recipe, lemof_stream/training/recipes/NAME.toml.",
        ),
    ] = None,
) -> None:
    """Fit LeMoF in its three stages and write a checkpoint with its model card and the record of its training.

    Started again with the same arguments, a training that was killed goes on after its last whole epoch.
    """
    from lemof_stream.cohorts import read_cohort
    from lemof_stream.training.predict import one_thread
    from lemof_stream.training.recipe import default_config, read_config
    from lemof_stream.training.train import read_evaluation, train

    recorded = folders(cohort, data, load_settings())
    config = default_config(cohort) if recipe is None else read_config(cohort, recipe)
    one_thread()
    attached = read_evaluation(evaluation)
    stays = read_cohort(cohort, *recorded)
    with stage_bars() as (progress, notice):
        info = train(stays, out, config, progress, attached, notice)
    typer.echo(f"{info.name} {info.version} in {out}", err=True)
