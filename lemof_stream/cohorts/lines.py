"""Batch parser of `time,parameter,value` lines: millions of them in seconds, none lost without being counted.

Shapes: N lines that have three fields.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from lemof_stream.errors import DataError

_MARK: Final = b"\x1e"  # ASCII's record separator: starts the line that this module puts before each file
_TIME: Final = re.compile(rb"(\d{1,5}):([0-5]\d)")
LAST_MINUTE: Final = 366 * 24 * 60
"""No stay of the open sets lasts a year, and each hour up to the last is a step."""
UNREADABLE: Final = -1
BEFORE_ADMISSION: Final = -2
# Longer than any file of a published set, so that no line is longer than a block, which Arrow would refuse.
BLOCK: Final = 1 << 24


class Lines(NamedTuple):
    """The parsed lines, each column [N]."""

    source: NDArray[np.int32]
    """Which of the contents (stays) the line comes from; -1 for a statement on a stay or row that is none."""
    minute: NDArray[np.int32]
    """`UNREADABLE` where the time is none or lies beyond a year, or `BEFORE_ADMISSION`."""
    parameter: NDArray[np.int32]
    """Index into `names`."""
    value: NDArray[np.float64]
    """NaN where it is no finite number."""
    names: tuple[str, ...]
    misshapen: int
    """Lines with more or fewer than three fields, which are in no column."""


def parse(contents: Sequence[bytes]) -> Lines:
    """Parse files whose first line is a header.

    Each column is dictionary-encoded while it is read, so that Python looks at a distinct text once, however often
    it occurs.

    Raises:
        DataError: a file is so far from lines of text that it cannot be cut into any.
    """
    misshapen = 0

    def skip(_: pa.csv.InvalidRow) -> str:
        nonlocal misshapen
        misshapen += 1
        return "skip"

    text = pa.dictionary(pa.int32(), pa.binary())
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(b"".join(_marked(i, content) for i, content in enumerate(contents))),
            pa.csv.ReadOptions(column_names=["time", "parameter", "value"], block_size=BLOCK),
            pa.csv.ParseOptions(quote_char=False, invalid_row_handler=skip),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(("time", "parameter", "value"), text), check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        raise DataError("A file holds a line of more than 16 MB, so it is damaged; copy it again.") from None
    time, times = codes(table, "time")
    parameter, names = codes(table, "parameter")
    value, values = codes(table, "value")
    mark = time == times.index(_MARK)
    line = ~mark
    return Lines(
        source=(np.cumsum(mark, dtype=np.int32) - 1)[line],
        minute=np.array([_minute(text) for text in times], np.int32)[time[line]],
        parameter=parameter[line],
        value=np.array([number(text) for text in values], np.float64)[value[line]],
        names=tuple(name.decode("utf-8", "replace") for name in names),
        misshapen=misshapen,
    )


def _marked(index: int, content: bytes) -> bytes:
    """A file with a marker line in place of its header; a marker byte in the file would shift what follows."""
    return b"%b,,%d\n%b\n" % (_MARK, index, content.partition(b"\n")[2].replace(_MARK, b"?"))


def codes(table: pa.Table, column: str) -> tuple[NDArray[np.int32], list[bytes]]:
    """A column as codes [rows] into its distinct texts."""
    encoded = table.column(column).unify_dictionaries().combine_chunks()
    return encoded.indices.to_numpy(), encoded.dictionary.to_pylist()


def _minute(text: bytes) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        return UNREADABLE
    minute = 60 * int(match[1]) + int(match[2])
    return minute if minute <= LAST_MINUTE else UNREADABLE


def number(text: bytes) -> float:
    """A finite number, NaN if it is none or infinite; Python's own `1_000` is none here."""
    try:
        number = float(text)
    except ValueError:
        return float("nan")
    return number if np.isfinite(number) and b"_" not in text else float("nan")
