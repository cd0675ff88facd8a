"""`lemof search`: look for a better recipe of a cohort."""

from pathlib import Path
from typing import Annotated

import typer

from lemof_stream.cli.cohort_options import CohortName, Data, folders
from lemof_stream.cli.stage_bars import stage_bars
from lemof_stream.settings import load_settings


def command(
    cohort: CohortName,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the trials and of recipe.toml.")
    ],
    data: Data = None,
    trials: Annotated[
        int, typer.Option(min=1, help="In all; a search started again goes on to this number.")
    ] = 30,
) -> None:
    """Search for a recipe by the loss on training people that a member never learns from; see `train --recipe`."""
    from lemof_stream.cohorts import read_cohort
    from lemof_stream.training.predict import one_thread
    from lemof_stream.training.search import FOUND, search

    recorded = folders(cohort, data, load_settings())
    one_thread()
    stays = read_cohort(cohort, *recorded)
    with stage_bars() as (progress, notice):
        search(stays, out, trials, progress, notice)
    typer.echo(
        f"The best recipe is {out / FOUND}; train with `lemof train --recipe {out / FOUND}`.", err=True
    )
