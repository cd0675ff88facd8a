"""EHR events folded into feature records: pure functions, without Kafka or Faust.

Each fold is idempotent by event id, and the records it ends in do not depend on the order of events, save for
`event_time`, which names the event that caused the version. Both matter: the app that calls them takes events at
least once, and after a failure of a feed they come late.
"""

from datetime import datetime, timedelta
from typing import Final

from lemof_stream.contracts.channels import CHANNELS
from lemof_stream.contracts.ehr import (
    Admission,
    Discharge,
    HourRecord,
    Observation,
    Observations,
    StayRecord,
    Transfer,
    Watermark,
)
from lemof_stream.errors import MessageError

_HOUR: Final = timedelta(hours=1)


def stay_key(stay_id: str) -> bytes:
    """Key of a stay's `StayRecord`."""
    return f"{stay_id}|stay".encode()


def hour_key(stay_id: str, hour: int) -> bytes:
    """Key of a stay's `HourRecord`."""
    return f"{stay_id}|h{hour:04d}".encode()


def watermark_key(partition: int) -> bytes:
    """Key of a partition's `Watermark`."""
    return f"watermark|{partition}".encode()


def hour_of(at: datetime, admitted_at: datetime) -> int:
    """The hour of the stay that holds `at`: hour k covers minutes (60(k-1), 60k], hour 1 minute 0 too."""
    return max(1, -(-(at - admitted_at) // _HOUR))


def refuse_implausible(event: Observations) -> None:
    """Refuse observations that no living person can have, or that have no place in the stay.

    Raises:
        MessageError: reason `implausible`. The whole event is refused: one impossible value puts its unit, its
            channel or its patient in doubt, and with them the values beside it.
    """
    if event.event_time < event.admitted_at:
        raise MessageError(
            "implausible",
            "The observations precede the stay's admission; correct their time and redrive them.",
        )
    for name, value in event.values.items():
        channel = CHANNELS.get(name)
        if channel is None or channel.kind != "ehr":
            raise MessageError(
                "implausible",
                "The observations name a channel that is none of the EHR channels; correct it at its producer and "
                "redrive them.",
            )
        low, high = channel.possible
        if not low <= value <= high:
            raise MessageError(
                "implausible",
                f"The value of {name} lies outside its possible range of {low:g} to {high:g} {channel.unit}; correct "
                "it at its producer and redrive the event.",
            )


def fold_hour(record: HourRecord | None, event: Observations) -> HourRecord | None:
    """The hour's record with the event taken in, or None where it already holds the event."""
    taken = Observation(event_id=event.event_id, at=event.event_time, values=event.values)
    if record is None:
        return HourRecord(
            stay_id=event.stay_id,
            ward=event.ward,
            admitted_at=event.admitted_at,
            event_time=event.event_time,
            hour=hour_of(event.event_time, event.admitted_at),
            observations=(taken,),
        )
    if any(known.event_id == event.event_id for known in record.observations):
        return None
    newest = (record.observations[-1].at, record.ward)
    observations = sorted((*record.observations, taken), key=lambda known: (known.at, known.event_id))
    return record.model_copy(
        update={
            "ward": max(newest, (event.event_time, event.ward))[1],
            "event_time": event.event_time,
            "observations": tuple(observations),
        }
    )


def fold_stay(record: StayRecord | None, event: Admission | Transfer | Discharge) -> StayRecord | None:
    """The stay's record with the event taken in, or None where it already holds the event."""
    if record is None:
        record = StayRecord(
            stay_id=event.stay_id, ward=event.ward, admitted_at=event.admitted_at, event_time=event.event_time
        )
    if event.event_id in record.event_ids:
        return None
    update: dict[str, object] = {
        "event_time": event.event_time,
        "event_ids": tuple(sorted((*record.event_ids, event.event_id))),
    }
    match event:
        case Admission():
            update |= (
                {"admissions": record.admissions + 1} | _demographics(record, event) | _ward(record, event)
            )
        case Transfer():
            update |= _ward(record, event)
        case Discharge():
            update |= _discharge(record, event)
    return record.model_copy(update=update)


def fold_watermark(record: Watermark | None, event: Watermark) -> Watermark | None:
    """The later of both, or None where the event brings no progress."""
    return event if record is None or event.event_time > record.event_time else None


def _demographics(record: StayRecord, event: Admission) -> dict[str, object]:
    told = (event.event_time, event.demographics.model_dump_json())
    if record.demographics is not None and record.demographics_at is not None:
        known = (record.demographics_at, record.demographics.model_dump_json())
        if known > told:  # at one instant the text decides: any rule will do that knows no order of arrival
            return {}
    return {"demographics": event.demographics, "demographics_at": event.event_time}


def _ward(record: StayRecord, event: Admission | Transfer) -> dict[str, object]:
    if record.ward_since is not None and (record.ward_since, record.ward) > (event.event_time, event.ward):
        return {}
    return {"ward": event.ward, "ward_since": event.event_time}


def _discharge(record: StayRecord, event: Discharge) -> dict[str, object]:
    """A later discharge corrects an earlier one; its ward counts only while nothing better is known."""
    if record.discharged_at is None:
        ward = event.ward
    else:
        ward = max((record.discharged_at, record.ward), (event.event_time, event.ward))[1]
    discharged_at = max(event.event_time, record.discharged_at or event.event_time)
    return {"discharged_at": discharged_at} | ({"ward": ward} if record.ward_since is None else {})
