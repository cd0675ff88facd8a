"""`lemof train`: fit a checkpoint on a cohort."""

from pathlib import Path
from typing import Annotated

import typer

from lemof_stream.cli.cohort_options import CohortName, Data, folders
from lemof_stream.cli.progress import progress_bars
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
    seed: Annotated[int, typer.Option(help="Same seed and data, same checkpoint.")] = 0,
) -> None:
    """Fit LeMoF in its three stages and write a checkpoint with its model card."""
    from lemof_stream.cohorts import read_cohort
    from lemof_stream.training.predict import one_thread
    from lemof_stream.training.stages import Recipe
    from lemof_stream.training.train import read_evaluation, train

    recorded = folders(cohort, data, load_settings())
    one_thread()
    attached = read_evaluation(evaluation)
    stays = read_cohort(cohort, *recorded)
    with progress_bars() as progress:
        info = train(stays, out, Recipe(seed=seed), progress, attached)
    typer.echo(f"{info.name} {info.version} in {out}", err=True)
