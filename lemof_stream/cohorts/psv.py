"""Batch parser of tables with `|` or another delimiter, a file a stay: thousands of files in a second, columns by
name.

Shapes: R rows of all files.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv

from lemof_stream.cohorts.columns import Ints
from lemof_stream.cohorts.files import DataFile
from lemof_stream.cohorts.limits import Floats
from lemof_stream.cohorts.lines import BLOCK, codes, number
from lemof_stream.errors import DataError


class Rows(NamedTuple):
    """The rows of all files, each column [R]."""

    source: Ints
    """Which of the files the row comes from."""
    values: dict[str, Floats]
    """By column name; NaN where the cell is empty or the file has no such column, infinite where it is no number."""
    misshapen: int
    """Rows with more or fewer fields than their header, which are in no column."""


def header(content: bytes, delimiter: str = "|") -> tuple[str, ...]:
    """The column names of a file; one name, whatever it is, for a file of another format."""
    line = content.split(b"\n", 1)[0].removeprefix(b"\xef\xbb\xbf")
    return tuple(name.strip() for name in line.decode("utf-8", "replace").split(delimiter))


def parse(files: Sequence[DataFile], needed: Sequence[str], delimiter: str = "|") -> Rows:
    """Parse files that must hold these columns, in any order.

    Raises:
        DataError: a file lacks a column, or is so far from lines of text that it cannot be cut into any.
    """
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, file in enumerate(files):
        alike[header(file.content, delimiter)].append(index)
    for names, indices in alike.items():
        absent = [name for name in needed if name not in names]
        if absent:
            raise DataError(
                f"{files[indices[0]].name} lacks the column {absent[0]}; point at a data set in the published format."
            )
    parts = [_part(names, indices, files, delimiter) for names, indices in alike.items()]
    columns = dict.fromkeys(name for part in parts for name in part.values)
    return Rows(
        source=np.concatenate([part.source for part in parts]),
        values={
            name: np.concatenate([part.values.get(name, np.full(len(part.source), np.nan)) for part in parts])
            for name in columns
        },
        misshapen=sum(part.misshapen for part in parts),
    )


def _part(names: tuple[str, ...], indices: Sequence[int], files: Sequence[DataFile], delimiter: str) -> Rows:
    """The rows of files with the same header."""
    misshapen = 0

    def skip(_: pa.csv.InvalidRow) -> str:
        nonlocal misshapen
        misshapen += 1
        return "skip"

    lines = [
        b"%d%b%b\n" % (index, delimiter.encode(), line)
        for index in indices
        for line in files[index].content.splitlines()[1:]
        if line.strip()
    ]
    if not lines:
        return Rows(np.zeros(0, np.int32), {name: np.zeros(0) for name in names}, 0)
    places = ["source", *map(str, range(len(names)))]  # a header may name a column twice, or none
    text = pa.dictionary(pa.int32(), pa.binary())
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(b"".join(lines)),
            pa.csv.ReadOptions(column_names=places, block_size=BLOCK),
            pa.csv.ParseOptions(delimiter=delimiter, quote_char=False, invalid_row_handler=skip),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(places[1:], text) | {"source": pa.int32()}, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        raise DataError("A file holds a line of more than 16 MB, so it is damaged; copy it again.") from None
    # The first column of a name counts.
    values = {name: _values(table, place) for place, name in reversed([*zip(places[1:], names, strict=True)])}
    return Rows(table.column("source").to_numpy(), dict(reversed(values.items())), misshapen)


def _values(table: pa.Table, place: str) -> Floats:
    code, texts = codes(table, place)
    values: Floats = np.array([_value(text.strip()) for text in texts], np.float64)[code]
    return values


def _value(text: bytes) -> float:
    if text.lower() in (b"", b"nan"):
        return float("nan")
    value = number(text)
    return float("inf") if np.isnan(value) else value
