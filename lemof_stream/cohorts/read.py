"""The one way to read a cohort, by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from lemof_stream.cohorts import physionet2012
from lemof_stream.cohorts.cohort import Cohort
from lemof_stream.errors import DataError

COHORTS: Final[dict[str, Callable[..., Cohort]]] = {physionet2012.NAME: physionet2012.read}


def read_cohort(name: str, *paths: Path) -> Cohort:
    """Read the cohort `name` from folders (or archives) that hold it as published.

    Raises:
        DataError: no reader has this name, or a path does not hold what the reader needs.
    """
    if name not in COHORTS:
        raise DataError(f"There is no reader for the cohort {name!r}; use one of: {', '.join(COHORTS)}.")
    return COHORTS[name](*paths)


def cohort_of(path: Path) -> str:
    """The name of the cohort that a folder or archive holds.

    Raises:
        DataError: it cannot be read, or no reader knows its format.
    """
    if physionet2012.recognises(path):
        return physionet2012.NAME
    raise DataError(
        f"{path} holds no data set that is known here ({', '.join(COHORTS)}); "
        f"point at the folder that holds its archives or its extracted files."
    )
