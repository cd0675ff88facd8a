"""Options of the commands that read a cohort."""

from pathlib import Path
from typing import Annotated

import typer

CohortName = Annotated[str, typer.Option("--cohort", metavar="NAME", help="Which reader: physionet2012.")]
Data = Annotated[
    list[Path],
    typer.Option(
        "--data", metavar="DIR", help="A data set as published, archives or extracted; may be repeated."
    ),
]
CheckpointPath = Annotated[
    Path | None,
    typer.Option("--checkpoint", metavar="DIR", help="A checkpoint folder. (the one inside the package)"),
]
