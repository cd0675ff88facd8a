"""Simulated beds for load: what they send costs the engine what a real ward's windows do, and means nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple

from lemof_stream.contracts.ehr import Demographics, StayRecord
from lemof_stream.contracts.topics import partition_of
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.worker.ehr_fold import stay_key

WINDOW: Final = timedelta(minutes=1)
"""What a window of a bed summarises, and how far the next one's event time is: a bedside gateway's minute."""
CHANNELS: Final = {
    "heart_rate": 85, "art_sbp": 120, "art_dbp": 60, "art_map": 80, "cuff_map": 80, "resp_rate": 18,
    "temperature": 37, "spo2": 96,
}  # fmt: skip
"""The eight channels of a window, all of which the shipped PhysioNet 2012 checkpoint reads, and their middle."""
STEPS_IN: Final = 47
"""Whole hours of the stay before its first window: the 48 steps that the model looks back on are nearly full, so that
what computes all of them again has all of them to compute."""

_BEGIN: Final = datetime(2031, 3, 1, tzinfo=UTC)
_STEP_MIN: Final = 60
_SPREAD: Final = 0.03  # of a channel's middle: every value stays plausible


class Record(NamedTuple):
    """A message and the partition of its stay."""

    partition: int
    key: bytes
    value: bytes


class Sent(NamedTuple):
    """A window to be sent, and what its prediction is known by."""

    record: Record
    stay_id: str
    event_time: float
    """Seconds since 1970."""


class Beds:
    """Beds that send in turns. A stay's steps close at another minute than its neighbour's, as in a real ward."""

    def __init__(self, count: int, partitions: int) -> None:
        self.count = count
        self._partitions = partitions
        self._sent = [0] * count
        self._random = Random(0)

    def admissions(self, first: int = 0) -> Iterator[Record]:
        """The EHR record of each bed from `first` on."""
        for bed in range(first, self.count):
            stay_id, admitted_at = _stay(bed)
            record = StayRecord(
                stay_id=stay_id,
                ward=f"ward-{bed % 20}",
                admitted_at=admitted_at,
                event_time=admitted_at,
                demographics=Demographics(age=40 + bed % 45, sex=1 if bed % 2 else 0, unit_type="medical"),
                event_ids=(f"{stay_id}:admission",),
            )
            yield Record(partition_of(stay_id, self._partitions), stay_key(stay_id), record.to_bytes())

    def windows(self, number: int, first: int = 0) -> Iterator[Sent]:
        """The next so many windows, in turns from bed `first` on."""
        for turn in range(number):
            yield self._window(first + turn % (self.count - first))

    def _window(self, bed: int) -> Sent:
        stay_id, admitted_at = _stay(bed)
        number = self._sent[bed]
        self._sent[bed] += 1
        end = _BEGIN + (number + 1) * WINDOW
        window = VitalWindow(
            window_id=f"{stay_id}:{number}",
            stay_id=stay_id,
            ward=f"ward-{bed % 20}",
            device="monitor",
            admitted_at=admitted_at,
            start=end - WINDOW,
            end=end,
            channels={name: self._near(middle) for name, middle in CHANNELS.items()},
        )
        record = Record(partition_of(stay_id, self._partitions), stay_id.encode(), window.to_bytes())
        return Sent(record, stay_id, end.timestamp())

    def _near(self, middle: float) -> float:
        return round(middle * (1 + _SPREAD * (2 * self._random.random() - 1)), 1)


def _stay(bed: int) -> tuple[str, datetime]:
    return f"bed-{bed:05d}", _BEGIN - timedelta(hours=STEPS_IN, minutes=bed % _STEP_MIN)
