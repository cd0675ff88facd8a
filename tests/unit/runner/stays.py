"""Small invented stays for the runner's tests."""

from collections.abc import Iterable, Mapping

from lemof_stream.contracts.ehr import Demographics, HourRecord, Observation, StayRecord
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.runner.cycle import CycleResult, EhrInput, Input, WindowInput
from tests import streams
from tests.streams import ADMITTED, at


def window(minute: float, stay: str = "s1", channels: Mapping[str, float] | None = None) -> WindowInput:
    return WindowInput(0, vital_window(minute, stay, channels))


def vital_window(minute: float, stay: str = "s1", channels: Mapping[str, float] | None = None) -> VitalWindow:
    values = (
        {"heart_rate": 60.0 + minute % 50, "art_sbp": 120.0 - minute % 37} if channels is None else channels
    )
    return streams.window(stay, minute, **values)


def labs(minute: float, stay: str = "s1", **values: float) -> EhrInput:
    """The record of an hour that holds one observation."""
    record = HourRecord(
        stay_id=stay,
        ward="north",
        admitted_at=ADMITTED,
        event_time=at(minute),
        hour=max(-(-int(minute) // 60), 1),
        observations=(Observation(event_id=f"{stay}:lab:{minute}", at=at(minute), values=values),),
    )
    return EhrInput(0, record)


def admission(stay: str = "s1") -> EhrInput:
    record = StayRecord(
        stay_id=stay,
        ward="north",
        admitted_at=ADMITTED,
        event_time=ADMITTED,
        demographics=Demographics(age=71, sex=1, weight_kg=80, unit_type="medical"),
        event_ids=(f"{stay}:admission",),
        admissions=1,
    )
    return EhrInput(0, record)


def discharge(minute: float, stay: str = "s1") -> EhrInput:
    record = admission(stay).record.model_copy(
        update={
            "event_time": at(minute),
            "discharged_at": at(minute),
            "event_ids": (f"{stay}:admission", f"{stay}:discharge"),
        }
    )
    return EhrInput(0, record)


def last_revisions(results: Iterable[CycleResult]) -> dict[tuple[str, int], Prediction]:
    """What a compacted topic holds in the end."""
    return {
        (prediction.stay_id, prediction.step): prediction
        for result in results
        for _, prediction in result.predictions
    }


def largest_difference(
    ours: dict[tuple[str, int], Prediction], theirs: dict[tuple[str, int], Prediction]
) -> float:
    """Over every column of every stay and step; the steps have to be the same."""
    assert ours.keys() == theirs.keys()
    return max(
        abs(value - theirs[key].predictions[name])
        for key, prediction in ours.items()
        for name, value in prediction.predictions.items()
    )


def in_cycles(inputs: list[Input], size: int) -> list[list[Input]]:
    return [inputs[start : start + size] for start in range(0, len(inputs), size)]
