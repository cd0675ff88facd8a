"""The outcome tables of the PhysioNet/CinC Challenge 2012."""

from typing import Final

from lemof_stream.cohorts.files import DataFile
from lemof_stream.errors import DataError

Outcomes = dict[str, tuple[float, float]]
"""By stay id: days from ICU admission to hospital discharge, and death in hospital (1 or 0); NaN where unknown."""

_COLUMNS: Final = ("RecordID", "Length_of_stay", "In-hospital_death")
_UNKNOWN: Final = float("nan")


def read_outcomes(file: DataFile) -> Outcomes:
    """The outcomes in a file whose name begins with `Outcomes`; nothing from any other.

    Raises:
        DataError: the file lacks a column, or a line of it cannot be read.
    """
    if not file.name.startswith("Outcomes"):
        return {}
    header, *lines = file.content.decode("utf-8", "replace").splitlines() or [""]
    names = [name.strip() for name in header.split(",")]
    absent = [column for column in _COLUMNS if column not in names]
    if absent:
        raise DataError(f"{file.name} lacks the column {absent[0]}; download it again or take it away.")
    at = [names.index(column) for column in _COLUMNS]
    outcomes: Outcomes = {}
    for number, line in enumerate(lines, start=2):
        fields = line.split(",")
        try:
            stay_id, days, died = (float(fields[i]) for i in at)
        except (IndexError, ValueError):
            raise DataError(
                f"Line {number} of {file.name} is no row of outcomes, so the file is damaged or cut off; "
                f"download it again or take it away."
            ) from None
        # Published as whole numbers; -1 stands for unknown.
        outcomes[str(int(stay_id))] = (
            days if days >= 0 else _UNKNOWN,
            died if died in (0, 1) else _UNKNOWN,
        )
    return outcomes
