"""Parquet tables of stays, read by column name.

Shapes: R rows.
"""

from collections.abc import Container, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lemof_stream.cohorts.columns import Column, Ints, step_ends
from lemof_stream.cohorts.files import DataFile
from lemof_stream.cohorts.limits import Floats
from lemof_stream.errors import DataError

_HOUR_NS: Final = 3_600_000_000_000
_KEYS: Final = ("stay_id", "time")
_INDEX: Final = "__index_level_"  # what pandas writes for itself


def read_table(file: DataFile, needed: Sequence[str]) -> pa.Table:
    """The table of a file that must hold these columns, in any order.

    Raises:
        DataError: it is damaged, or lacks a column, or a key column is of another type.
    """
    try:
        table = pq.read_table(pa.BufferReader(file.content))
    except (pa.ArrowException, OSError):
        raise DataError(f"{file.name} is damaged or no parquet file; copy or download it again.") from None
    absent = [name for name in needed if name not in table.column_names]
    if absent:
        raise DataError(
            f"{file.name} lacks the column {absent[0]}; point at a data set in the published format."
        )
    stay_id = table.column("stay_id")
    if not pa.types.is_integer(stay_id.type) or stay_id.null_count:
        raise DataError(f"{file.name} holds a stay_id that is no whole number; download it again.")
    if "time" in needed and not pa.types.is_duration(table.column("time").type):
        raise DataError(f"The column time of {file.name} is no duration since admission; download it again.")
    return table


def joined(name: str, tables: Sequence[pa.Table], *, whole: bool = True) -> tuple["Table", int]:
    """Tables of one name, one after the other, and how many stays were left out.

    `whole`: a stay that an earlier table holds is left out of the later ones.

    Raises:
        DataError: a column is of another type in another table.
    """
    kept, repeated = [tables[0]], 0
    for table in tables[1:]:
        if whole:
            seen = pc.unique(pa.chunked_array([c for t in kept for c in _ids(t).chunks], pa.int64()))
            again = pc.is_in(_ids(table), value_set=seen)
            repeated += len(pc.unique(_ids(table).filter(again)))
            table = table.filter(pc.invert(again))  # noqa: PLW2901
        kept.append(table)
    try:
        return Table(name, pa.concat_tables(kept, promote_options="permissive")), repeated
    except pa.ArrowException:
        raise DataError(f"The {name} found hold columns of different types; read them one by one.") from None


def _ids(table: pa.Table) -> pa.ChunkedArray:
    return table.column("stay_id").cast(pa.int64())


class Table:
    """Rows [R] of stays."""

    def __init__(self, name: str, table: pa.Table) -> None:
        self._name, self._table = name, table
        self.stay: NDArray[np.int64] = _ids(table).to_numpy()

    def numbers(self, name: str) -> Floats:
        """[R] a column, NaN where it is empty or holds NaN.

        Raises:
            DataError: the column holds something else than numbers.
        """
        column = self._table.column(name)
        if not _numeric(column):
            raise DataError(
                f"The column {name} of {self._name} holds {column.type} where numbers are due; download it again."
            )
        numbers: Floats = column.cast(pa.float64()).to_numpy()
        return numbers

    def texts(self, name: str) -> list[Any]:
        """[R] a column as Python objects, None where it is empty."""
        texts: list[Any] = self._table.column(name).to_pylist()
        return texts

    def step_ends(self) -> Ints:
        """[R] the minute at which each row's step ends, from `time`."""
        nanoseconds = self._table.column("time").cast(pa.duration("ns")).cast(pa.int64())
        known = pc.is_valid(nanoseconds).to_numpy()
        hours = pc.fill_null(nanoseconds, 0).to_numpy() // _HOUR_NS
        return step_ends(np.where(known, hours + 1.0, np.nan))

    def columns(self, source: NDArray[np.integer], minute: Ints, parameters: Container[str]) -> list[Column]:
        """Every column that is no key; of others than the parameters it only counts where they hold something.

        Raises:
            DataError: a parameter holds something else than numbers.
        """
        found = []
        for name in self._table.column_names:
            if name in _KEYS or name.startswith(_INDEX):
                continue
            column = self._table.column(name)
            if name in parameters or _numeric(column):
                value = self.numbers(name)
            else:
                value = np.where(pc.is_valid(column).to_numpy(), 0.0, np.nan)
            found.append(Column(name, source.astype(np.int32), minute, value))
        return found


def _numeric(column: pa.ChunkedArray) -> bool:
    kind = column.type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind))
