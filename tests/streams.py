"""A small recorded ward for the worker's tests: its windows and EHR feature records, and what becomes of them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lemof_stream.contracts.ehr import Demographics, HourRecord, Observation, StayRecord, Watermark
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import EHR_FEATURES, PREDICTIONS, VITALS
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import EhrInput, Input, WindowInput
from lemof_stream.runner.runner import Runner
from lemof_stream.worker.ehr_fold import hour_key, stay_key, watermark_key
from tests.messages import Outgoing, read_all
from tests.topics import PARTITIONS

ADMITTED: Final = datetime(2031, 3, 1, 7, 30, tzinfo=UTC)
TOLERANCE: Final = 1e-5
MINUTES: Final = 20
"""Between two windows of a stay."""

Step = tuple[str, int]


def at(minute: float) -> datetime:
    return ADMITTED + timedelta(minutes=minute)


def window(stay: str, minute: float, **channels: float) -> VitalWindow:
    return VitalWindow(
        window_id=f"{stay}:{minute:g}",
        stay_id=stay,
        ward="north",
        device="monitor",
        admitted_at=ADMITTED,
        start=at(max(minute - 1, 0)),
        end=at(minute),
        channels=channels or {"heart_rate": 60.0 + (minute + len(stay)) % 50, "art_sbp": 120.0 - minute % 37},
    )


def sent(item: VitalWindow) -> Outgoing:
    return Outgoing(VITALS, item.stay_id, item.to_bytes(), item.stay_id.encode())


def admission(stay: str) -> StayRecord:
    return StayRecord(
        stay_id=stay,
        ward="north",
        admitted_at=ADMITTED,
        event_time=ADMITTED,
        demographics=Demographics(age=40 + len(stay) % 40, sex=1, weight_kg=80, unit_type="medical"),
        event_ids=(f"{stay}:admission",),
    )


def hour(stay: str, number: int) -> HourRecord:
    drawn = at(60 * number - 15)
    values = {"glucose": 5.0 + number, "potassium": 3.5 + number % 3}
    return HourRecord(
        stay_id=stay,
        ward="north",
        admitted_at=ADMITTED,
        event_time=drawn,
        hour=number,
        observations=(Observation(event_id=f"{stay}:lab:{number}", at=drawn, values=values),),
    )


def discharge(stay: str, minute: float) -> StayRecord:
    return admission(stay).model_copy(
        update={
            "event_time": at(minute),
            "discharged_at": at(minute),
            "event_ids": (f"{stay}:admission", f"{stay}:discharge"),
        }
    )


@dataclass(frozen=True)
class Ward:
    """Stays, each with three windows an hour and a laboratory value every third hour, discharged at the end."""

    stays: Sequence[str]
    hours: int

    def windows(self) -> list[VitalWindow]:
        """In event-time order."""
        minutes = range(MINUTES, 60 * self.hours + 1, MINUTES)
        return [window(stay, minute) for minute in minutes for stay in self.stays]

    def records(self) -> list[StayRecord | HourRecord]:
        """In event-time order."""
        labs = [hour(stay, number) for number in range(1, self.hours + 1, 3) for stay in self.stays]
        ends = [discharge(stay, 60 * self.hours) for stay in self.stays]
        return [*map(admission, self.stays), *labs, *ends]

    def vitals(self) -> list[Outgoing]:
        return [sent(item) for item in self.windows()]

    def features(self) -> Iterator[Outgoing]:
        """Its EHR records, and that there will be no others up to its end."""
        yield from map(filed, self.records())
        yield from watermarks(60 * self.hours)

    def finals(self, predictor: Predictor) -> dict[Step, dict[str, float]]:
        """What is to be published, by the same runner without any Kafka."""
        inputs: list[tuple[datetime, Input]] = [
            *((record.event_time, EhrInput(0, record)) for record in self.records()),
            *((item.end, WindowInput(0, item)) for item in self.windows()),
        ]
        result = Runner(predictor).cycle([item for _, item in sorted(inputs, key=lambda pair: pair[0])])
        return last_finals(prediction for _, prediction in result.predictions)


def watermarks(minute: float) -> Iterator[Outgoing]:
    """On every partition, that the EHR feed is complete up to then."""
    for partition, stay in _stay_of_each_partition().items():
        value = Watermark(event_time=at(minute)).to_bytes()
        yield Outgoing(EHR_FEATURES, stay, value, watermark_key(partition))


def filed(record: StayRecord | HourRecord) -> Outgoing:
    key = (
        stay_key(record.stay_id) if isinstance(record, StayRecord) else hour_key(record.stay_id, record.hour)
    )
    return Outgoing(EHR_FEATURES, record.stay_id, record.to_bytes(), key)


def last_finals(predictions: Iterable[Prediction]) -> dict[Step, dict[str, float]]:
    """The last final prediction of every stay and step."""
    return {(p.stay_id, p.step): p.predictions for p in predictions if p.kind == "final"}


async def published(brokers: str) -> list[Prediction]:
    return [Prediction.from_bytes(record.value) for record in await read_all(brokers, PREDICTIONS)]


def differences(found: dict[Step, dict[str, float]], expected: dict[Step, dict[str, float]]) -> list[str]:
    """What a person would want to know first when two runs are not identical."""
    told = [f"missing {sorted(expected.keys() - found.keys())[:5]}"] if expected.keys() - found.keys() else []
    told += [f"beyond {sorted(found.keys() - expected.keys())[:5]}"] if found.keys() - expected.keys() else []
    for step in sorted(found.keys() & expected.keys()):
        off = max(abs(found[step][name] - value) for name, value in expected[step].items())
        if off > TOLERANCE:
            told.append(f"{step} is off by {off}")
    return told[:10]


def repeated(predictions: Iterable[Prediction]) -> list[str]:
    """Prediction ids that were published more than once."""
    return [name for name, count in Counter(p.prediction_id for p in predictions).items() if count > 1]


def events(log: str) -> list[dict[str, Any]]:
    """The lines of a process's log."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def _stay_of_each_partition() -> dict[int, str]:
    from lemof_stream.contracts.topics import partition_of

    found: dict[int, str] = {}
    for number in range(1000):
        found.setdefault(partition_of(f"probe-{number}", PARTITIONS), f"probe-{number}")
    return found
