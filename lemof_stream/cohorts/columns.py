"""Tables with one column a parameter, taken for lines: so a value has one way through a reader, whatever its format.

Shapes: R rows of a column, N values in all.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts.limits import Floats
from lemof_stream.cohorts.lines import BEFORE_ADMISSION, LAST_MINUTE, UNREADABLE, Lines

Ints = NDArray[np.int32]


class Column(NamedTuple):
    """One parameter of a table."""

    name: str
    source: Ints
    """[R] as in `Lines`."""
    minute: Ints
    """[R] as in `Lines`."""
    value: Floats
    """[R] NaN where the cell is empty, infinite where it holds no number."""


def lines_of(columns: Sequence[Column], misshapen: int = 0) -> Lines:
    """The cells that hold something, column after column; `misshapen` rows are in none of them."""
    told = [~np.isnan(column.value) for column in columns]
    value = np.concatenate([column.value[cells] for column, cells in zip(columns, told, strict=True)])
    return Lines(
        source=np.concatenate([column.source[cells] for column, cells in zip(columns, told, strict=True)]),
        minute=np.concatenate([column.minute[cells] for column, cells in zip(columns, told, strict=True)]),
        parameter=np.repeat(np.arange(len(columns), dtype=np.int32), [int(cells.sum()) for cells in told]),
        value=np.where(np.isinf(value), np.nan, value),
        names=tuple(column.name for column in columns),
        misshapen=misshapen,
    )


def step_ends(step: Floats) -> Ints:
    """[R] the minute at which a step ends, from steps that count from 1; NaN and fractions are no step."""
    known = np.isfinite(step) & (np.floor(step) == step) & (step <= LAST_MINUTE // 60)
    minute = np.where(known, np.maximum(step, 0), 0) * 60
    return np.where(known, np.where(minute < 60, BEFORE_ADMISSION, minute), UNREADABLE).astype(np.int32)
