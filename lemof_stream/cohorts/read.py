"""The one way to read a cohort, by name, and to learn what a folder holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from lemof_stream.cohorts import bidmc, eicu, physionet2012, sepsis2019
from lemof_stream.cohorts.cohort import Cohort
from lemof_stream.cohorts.report import ReadReport
from lemof_stream.errors import DataError

_READERS: Final = (physionet2012, eicu, sepsis2019)
COHORTS: Final[dict[str, Callable[..., Cohort]]] = {reader.NAME: reader.read for reader in _READERS}
"""Of stays: what is trained on and predicted; the recordings of `bidmc` are waveforms of minutes."""

NO_STAYS: Final = (
    f"{bidmc.NAME} holds waveforms of minutes, not stays to train on or predict; `lemof signals`, "
    f"`lemof-sim replay {bidmc.NAME}` and `lemof experiments run signals` read it without --cohort."
)


def read_cohort(name: str, *paths: Path) -> Cohort:
    """Read the cohort `name` from folders (or archives) that hold it as published.

    Raises:
        DataError: no reader has this name, or a path does not hold what the reader needs.
    """
    if name == bidmc.NAME:
        raise DataError(NO_STAYS)
    if name not in COHORTS:
        raise DataError(f"There is no reader for the cohort {name!r}; use one of: {', '.join(COHORTS)}.")
    return COHORTS[name](*paths)


def cohort_of(path: Path) -> str:
    """The name of the cohort that a folder or archive holds.

    Raises:
        DataError: it cannot be read, or no reader knows its format.
    """
    for reader in (*_READERS, bidmc):
        if reader.recognises(path):
            name: str = reader.NAME
            return name
    raise DataError(
        f"{path} holds no data set that is known here ({', '.join([*COHORTS, bidmc.NAME])}); "
        f"point at the folder that holds its archives or its extracted files."
    )


def read_report(path: Path) -> ReadReport:
    """What a folder or archive holds, and what its reader makes of it.

    Raises:
        DataError: it cannot be read, or no reader knows its format.
    """
    name = cohort_of(path)
    return bidmc.read(path).report if name == bidmc.NAME else read_cohort(name, path).report
