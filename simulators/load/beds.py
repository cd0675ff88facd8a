"""The beds of a load test, and their windows as bytes: prepared once, with times and values filled in."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from lemof_stream.contracts.ehr import Admission, Demographics, Discharge
from lemof_stream.contracts.topics import partition_of
from lemof_stream.contracts.vitals import VitalWindow
from simulators.ward import ward

Record = tuple[int, bytes, bytes]
"""Partition, key and value."""

_PATIENTS: Final = 32
_MINUTES: Final = 8
"""Values are those of so many simulated patients in so many minutes, over and over: what they are costs nobody."""
_WARDS: Final = 20
_ADMITTED_WITHIN_MIN: Final = 60
"""Admissions are spread over the last hour, so that steps of neighbours close at different times. Not over days: the
first window of a bed commits every step since, which is no part of the load."""
_MINUTE: Final = timedelta(minutes=1)

_ID: Final = "filled-in"
_START: Final = datetime(2199, 1, 1, tzinfo=UTC)  # after every admission, and found nowhere else in a window
_END: Final = datetime(2199, 1, 2, tzinfo=UTC)
_CHANNELS: Final = {"heart_rate": 1.0}
_BLANKS: Final = re.compile(rb'filled-in|2199-01-01T00:00:00Z|2199-01-02T00:00:00Z|\{"heart_rate":1\.0\}')


class Beds:
    """Beds of one run of the command. `began`: when it did, which their names hold, so that runs never mix."""

    def __init__(self, count: int, began: datetime, partitions: int) -> None:
        self.count = count
        self._began = began
        self._prefix = f"load-{int(began.timestamp() * 1000):x}-"
        self._partition = [partition_of(self.stay_id(bed), partitions) for bed in range(count)]
        self._key = [self.stay_id(bed).encode() for bed in range(count)]

    def stay_id(self, bed: int) -> str:
        """The name of the stay in a bed."""
        return f"{self._prefix}{bed:06d}"

    def bed_of(self, stay_id: str) -> int | None:
        """The bed of a stay; None where it is none of ours."""
        if not stay_id.startswith(self._prefix):
            return None
        bed = int(stay_id[len(self._prefix) :])
        return bed if bed < self.count else None

    def place(self, bed: int) -> tuple[int, bytes]:
        """Partition and key of a bed's messages."""
        return self._partition[bed], self._key[bed]

    def admissions(self, first: int) -> Iterator[Admission]:
        """The admission of each bed from `first` on."""
        for bed in range(first, self.count):
            yield Admission(
                event_id=f"{self.stay_id(bed)}-admission",
                stay_id=self.stay_id(bed),
                ward=_ward(bed),
                admitted_at=self._admitted_at(bed),
                event_time=self._admitted_at(bed),
                demographics=Demographics(age=40 + bed % 45, sex=1 if bed % 2 else 0, unit_type="medical"),
            )

    def discharges(self, at: datetime) -> Iterator[Discharge]:
        """The end of every stay."""
        for bed in range(self.count):
            yield Discharge(
                event_id=f"{self.stay_id(bed)}-discharge",
                stay_id=self.stay_id(bed),
                ward=_ward(bed),
                admitted_at=self._admitted_at(bed),
                event_time=at,
            )

    def template(self, bed: int) -> list[bytes]:
        """What of a bed's windows is always the same, around id, start, end and channels: as the contract writes it."""
        window = VitalWindow(
            window_id=f"{self.stay_id(bed)}-{_ID}",
            stay_id=self.stay_id(bed),
            ward=_ward(bed),
            device="load",
            admitted_at=self._admitted_at(bed),
            start=_START,
            end=_END,
            channels=_CHANNELS,
        )
        return _BLANKS.split(window.to_bytes())

    def _admitted_at(self, bed: int) -> datetime:
        return self._began.replace(second=0, microsecond=0) - (1 + bed * 7 % _ADMITTED_WITHIN_MIN) * _MINUTE


class WindowWriter:
    """Writes windows of beds at some microseconds each. `every_s`: how long a window is."""

    def __init__(self, beds: Beds, rows: Sequence[int], every_s: float) -> None:
        self._beds = beds
        self._length_ms = round(every_s * 1000)
        self._templates = {bed: beds.template(bed) for bed in rows}
        self._values = _values()

    def write(self, beds: NDArray[np.int64], end_ms: NDArray[np.int64]) -> list[Record]:
        """A window of each of `beds` [N] that ended at `end_ms` [N], milliseconds since 1970."""
        starts, ends = _written(end_ms - self._length_ms), _written(end_ms)
        records: list[Record] = []
        values, patients = self._values, len(self._values)
        for bed, start, stop, number in zip(beds.tolist(), starts, ends, end_ms.tolist(), strict=True):
            a, b, c, d, e = self._templates[bed]
            course = values[bed % patients]
            channels = course[number // 1000 % len(course)]
            value = b"".join((a, b"%d" % number, b, start, c, stop, d, channels, e))
            records.append((*self._beds.place(bed), value))
        return records


def _written(ms: NDArray[np.int64]) -> list[bytes]:
    """Instants [N], milliseconds since 1970, as the contract writes them."""
    written: list[bytes] = (
        np.datetime_as_string(ms.astype("datetime64[ms]"), unit="ms", timezone="UTC").astype("S").tolist()
    )
    return written


def _values() -> list[list[bytes]]:
    """The channels of windows, as JSON, minute by minute of each patient."""
    start = datetime(2026, 1, 1, 8, tzinfo=UTC)
    courses: dict[str, list[bytes]] = {}
    for moment in islice(ward(_PATIENTS, start, seed=0).moments, 1 + _MINUTES):
        for message in moment.messages:
            if isinstance(message, VitalWindow):
                courses.setdefault(message.stay_id, []).append(to_json(message.channels))
    return list(courses.values())


def _ward(bed: int) -> str:
    return f"Load {1 + bed % _WARDS}"
