"""Recordings written by hand, for tests of what reads them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import PREDICTIONS, VITALS
from simulators.recording import Heading, Recording, Row, new_recording
from tests.topics import PARTITIONS

STAMP_MS: Final = 1_767_225_600_000  # 2026-01-01


def row(offset: int = 0, **other: object) -> Row:
    fields = {
        "topic": VITALS, "partition": 0, "offset": offset, "timestamp": STAMP_MS + offset, "timestamp_type": 0,
        "key": b"stay", "value": b"%d" % offset, "headers": (),
    }  # fmt: skip
    return Row(**(fields | other))  # type: ignore[arg-type]


def write_recording(path: Path, rows: Iterable[Row], partitions: int = PARTITIONS) -> Recording:
    """A group a row, ended in order."""
    rows = list(rows)
    topics = dict.fromkeys((row.topic for row in rows), partitions)
    with new_recording(path, Heading(started_at=datetime(2026, 1, 1, tzinfo=UTC), topics=topics)) as writer:
        for one in rows:
            writer.add(one)
            writer.flush()
    return Recording(path)


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> Recording:
    return write_recording(
        path,
        [
            row(offset, topic=PREDICTIONS, key=item.key(), value=item.to_bytes())
            for offset, item in enumerate(predictions)
        ],
    )
