"""Options of the commands that read a cohort, and the folders that they mean."""

from pathlib import Path
from typing import Annotated, Final

import typer

from lemof_stream.cohorts import COHORTS, NO_STAYS
from lemof_stream.cohorts.bidmc import NAME as WAVEFORMS
from lemof_stream.errors import ConfigError
from lemof_stream.settings import Settings


def _of_stays(cohort: str) -> str:
    if cohort == WAVEFORMS:
        raise ConfigError(NO_STAYS)
    return cohort


CohortName = Annotated[
    str,
    typer.Option("--cohort", metavar="NAME", help=f"Which reader: {', '.join(COHORTS)}.", callback=_of_stays),
]
Data = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="A data set as published, archives or extracted; may be repeated. (the cohort's folder in LEMOF_DATA)",
    ),
]
CheckpointPath = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint", metavar="DIR", help="A checkpoint folder. (the cohort's own, inside the package)"
    ),
]
_FOLDER: Final = {"eicu": "eicu_demo"}
"""Where recordings lie that are not in a folder of their cohort's name."""


def folders(cohort: str, data: list[Path] | None, settings: Settings) -> list[Path]:
    """The folders to read: those of --data, else the cohort's own in the folder of recordings, else that folder.

    Raises:
        ConfigError: neither is given.
    """
    if data:
        return data
    if settings.data is None:
        raise ConfigError(
            "No recordings are named: give their folder with --data, or set LEMOF_DATA to the folder that holds it."
        )
    own = settings.data / _FOLDER.get(cohort, cohort)
    return [own if own.exists() else settings.data]
