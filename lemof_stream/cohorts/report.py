"""What a reader did with every value it read."""

from pydantic import BaseModel, ConfigDict


class ParameterCounts(BaseModel):
    """The values of one published parameter: `read` = `kept` + `collapsed` + everything `dropped`.

    `converted` and `clipped` count among the kept and collapsed ones.
    """

    model_config = ConfigDict(frozen=True)

    read: int
    kept: int
    collapsed: int
    """Merged into the mean of their minute."""
    converted: int
    """Brought from another unit."""
    clipped: int
    """Moved to the end of the plausible range."""
    dropped: dict[str, int]
    """By reason."""


class ReadReport(BaseModel):
    """Counts of one read of a cohort: `values` = `malformed` + the sum of the parameters' `read`."""

    model_config = ConfigDict(frozen=True)

    cohort: str
    stays: int
    people: int
    repeated_stays: int
    """Files of a stay that another file had brought already (extracted and archived, say); not read again."""
    other_files: int
    """Files in the folder that hold nothing of the set."""
    outcomes_length_of_stay: int
    """Stays whose length of stay is known."""
    outcomes_death: int
    """Stays of which it is known whether the patient died."""
    step_targets: int
    """Steps whose target is known."""
    values: int
    """Lines of a file that holds one value a line, cells that hold something of a table."""
    malformed: int
    """Lines and rows of another shape, and values whose time or number cannot be read."""
    parameters: dict[str, ParameterCounts]
    """By the parameter's published name; unknown and empty names are here too, with all their values dropped."""
