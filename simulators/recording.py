"""A recording: records of Kafka topics in one file, with all that makes a record.

The file is an Arrow IPC stream (https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format) whose buffers
are compressed with zstd; `pyarrow.ipc.open_stream(FILE).read_all()` reads it. One row a record:

| column | type | holds |
|---|---|---|
| `topic` | string | |
| `partition` | int32 | |
| `offset` | int64 | within the partition; a gap is a transaction's marker, an aborted record, or a compacted one |
| `timestamp` | timestamp[ms, UTC] | as the producer or the broker stamped it |
| `timestamp_type` | int8 | as Kafka has it: 0 CreateTime (the producer's), 1 LogAppendTime (the broker's) |
| `key`, `value` | binary | null where the record has none, which is not the same as empty |
| `headers` | list<struct<key: string, value: binary>> | in their order, names may repeat; a value may be null |

Rows of a partition are in the order of their offsets; those of different partitions lie as they arrived. The schema's
metadata holds, under `lemof_recording`, a `Heading` as JSON. Rows are written in groups, about one a second, each
flushed to the disk. A file that was ended in order closes with Arrow's end-of-stream mark; one without it was broken
off (a kill, a full disk), and its groups up to there are whole.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, ValidationError

from lemof_stream.errors import ConfigError, DataError

Headers = tuple[tuple[str, bytes | None], ...]

_METADATA: Final = b"lemof_recording"
_END: Final = (
    b"\xff\xff\xff\xff\x00\x00\x00\x00"  # Arrow's end of a stream: a continuation mark, then length 0
)
# A group that fills up before its second is over is written at once: a few megabytes of memory at most.
_GROUP_ROWS: Final = 4096
_SCHEMA: Final = pa.schema(
    {
        "topic": pa.string(),
        "partition": pa.int32(),
        "offset": pa.int64(),
        "timestamp": pa.timestamp("ms", "UTC"),
        "timestamp_type": pa.int8(),
        "key": pa.binary(),
        "value": pa.binary(),
        "headers": pa.list_(pa.struct({"key": pa.string(), "value": pa.binary()})),
    }
)


class Heading(BaseModel):
    """What holds for the whole of a recording."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    started_at: datetime
    topics: dict[str, int]
    """The topics that were recorded, and how many partitions each has: a replay needs as many."""


class Row(NamedTuple):
    """One record. `timestamp` in ms since 1970, whatever a producer has put there."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class RecordingWriter:
    """Collects rows and writes them in groups."""

    def __init__(self, file: BinaryIO, heading: Heading) -> None:
        self._file = file
        self._rows: list[Row] = []
        self._schema = _SCHEMA.with_metadata({_METADATA: heading.model_dump_json()})
        self._stream = pa.ipc.new_stream(
            file, self._schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
        )
        self._write()  # no rows yet, but the heading, so that the file can be read from now on

    def add(self, row: Row) -> None:
        """Put a row into the group; a full one is written."""
        self._rows.append(row)
        if len(self._rows) >= _GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the group; it has reached the disk when this returns."""
        if self._rows:
            self._write()

    def _write(self) -> None:
        columns: dict[str, list[Any]] = {
            name: [getattr(row, name) for row in self._rows] for name in Row._fields
        }
        columns["headers"] = [
            [{"key": key, "value": value} for key, value in headers] for headers in columns["headers"]
        ]
        arrays = [pa.array(columns[field.name], field.type) for field in self._schema]
        self._stream.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._rows.clear()
        self._sync()

    def end(self) -> None:
        """Write what is left and the mark of an orderly end."""
        self.flush()
        self._stream.close()
        self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def new_recording(path: Path, heading: Heading) -> Iterator[RecordingWriter]:
    """A writer to a file that is not there yet; without an error in the block, the file ends in order.

    Raises:
        ConfigError: the file is there already.
        DataError: it cannot be written.
    """
    try:
        with path.open("xb") as file:
            writer = RecordingWriter(file, heading)
            try:
                yield writer
            except BaseException:
                writer.flush()
                raise
            writer.end()
    except FileExistsError:
        raise ConfigError(
            f"{path} is there already; name another file with --out, or move it away."
        ) from None
    except OSError as error:
        raise DataError(
            f"{path} cannot be written ({error.strerror or error}); what it holds up to here is whole: "
            "make room or name another file with --out."
        ) from None


class Recording:
    """A recording that is read.

    Raises:
        DataError: the file cannot be read, is no recording, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._reading() as (file, stream):
            self.heading = self._heading(stream.schema)
            file.seek(max(os.fstat(file.fileno()).st_size - len(_END), 0))
            self.broken_off = file.read() != _END
            """Whether it has no orderly end; what it holds is whole all the same."""

    def __str__(self) -> str:
        return str(self._path)

    def table(self, *topics: str) -> pa.Table:
        """The rows of these topics in their order, `timestamp` as int64."""
        return pa.Table.from_batches(self._batches(topics), _plain(_SCHEMA))

    def rows(self, *topics: str) -> Iterator[Row]:
        """The rows of these topics in their order, a group in memory at a time."""
        for batch in self._batches(topics):
            yield from rows_of(batch)

    def counts(self) -> dict[str, int]:
        """Rows of each topic."""
        counts = dict.fromkeys(self.heading.topics, 0)
        for batch in self._batches(tuple(counts)):
            for found in pc.value_counts(batch["topic"]).to_pylist():
                counts[found["values"]] += found["counts"]
        return counts

    def _batches(self, topics: Iterable[str]) -> Iterator[pa.RecordBatch]:
        wanted = pa.array(topics, pa.string())
        with self._reading() as (_, stream):
            while (batch := self._next(stream)) is not None:
                kept = batch.filter(pc.is_in(batch["topic"], wanted))
                yield kept.cast(_plain(_SCHEMA))

    def _next(self, stream: Any) -> pa.RecordBatch | None:
        try:
            return stream.read_next_batch()
        except StopIteration:
            return None
        except (pa.ArrowInvalid, OSError):
            if self.broken_off:  # in the middle of its last group
                return None
            raise

    @contextmanager
    def _reading(self) -> Iterator[tuple[BinaryIO, Any]]:
        try:
            with self._path.open("rb") as file, pa.ipc.open_stream(file) as stream:
                yield file, stream
        except pa.ArrowInvalid:
            raise DataError(
                f"{self._path} is damaged or no recording of `lemof-sim record`; check its name, or copy it again."
            ) from None
        except OSError as error:
            raise DataError(
                f"{self._path} cannot be read ({error.strerror or 'it is damaged'}); check its name, or copy it again."
            ) from None

    def _heading(self, schema: pa.Schema) -> Heading:
        told = (schema.metadata or {}).get(_METADATA)
        if told is None or not schema.equals(_SCHEMA):
            raise DataError(
                f"{self._path} is an Arrow file, but no recording of `lemof-sim record`; check its name."
            )
        try:
            return Heading.model_validate_json(told)
        except ValidationError:
            raise DataError(
                f"{self._path} is a recording of a format that is not known here; read it with the version that "
                "wrote it."
            ) from None


def rows_of(part: pa.Table | pa.RecordBatch) -> Iterator[Row]:
    """The rows of a part of `Recording.table`."""
    columns = [part[name].to_pylist() for name in Row._fields]
    columns[-1] = [tuple((h["key"], h["value"]) for h in headers) for headers in columns[-1]]
    return map(Row, *columns)


def _plain(schema: pa.Schema) -> pa.Schema:
    """With timestamps as numbers: not each that a producer may write is in a calendar."""
    place = schema.get_field_index("timestamp")
    return schema.set(place, pa.field("timestamp", pa.int64()))
