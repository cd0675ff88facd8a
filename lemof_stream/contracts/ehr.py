"""EHR events as they come in, and the feature records that the EHR app folds them into.

The feature records are the values of a compacted topic that is also the changelog of the app's table: one write,
one source of truth. A stay has one `StayRecord` and one `HourRecord` for each hour that holds an observation, so a
new value rewrites an hour and not the stay. Observations keep their own time: each model places them into its
own steps, as of event time.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from lemof_stream.contracts.message import Identifier, Instant, Message, Part, unreadable
from lemof_stream.errors import MessageError

UnitType = Literal["coronary", "cardiac_surgery", "medical", "surgical"]


class Demographics(Part):
    """What is known at admission; None where unknown. `sex`: 0 female, 1 male. `pre_icu_hours`: from admission to the
    hospital to admission to the intensive care unit.
    """

    age: Annotated[float, Field(ge=0, le=130)] | None = None
    sex: Literal[0, 1] | None = None
    height_cm: Annotated[float, Field(gt=0, le=300)] | None = None
    weight_kg: Annotated[float, Field(gt=0, le=500)] | None = None
    unit_type: UnitType | None = None
    pre_icu_hours: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class StayEvent(Message):
    """What all events of a stay say."""

    event_id: Identifier
    stay_id: Identifier
    ward: str
    admitted_at: Instant
    event_time: Instant


class Admission(StayEvent):
    """A stay begins."""

    kind: Literal["admission"] = "admission"
    demographics: Demographics


class Observations(StayEvent):
    """Values charted or drawn at one instant; at most one a channel."""

    kind: Literal["observations"] = "observations"
    values: Annotated[dict[str, float], Field(min_length=1)]


class Transfer(StayEvent):
    """The stay goes on in the ward that the event names."""

    kind: Literal["transfer"] = "transfer"


class Discharge(StayEvent):
    """The stay ended at `event_time`: every step that has begun closes. A planned discharge is none yet."""

    kind: Literal["discharge"] = "discharge"


class Watermark(Message):
    """The feed of this partition is complete up to `event_time`, so "no lab" differs from "not yet"."""

    kind: Literal["watermark"] = "watermark"
    event_time: Instant


EhrEvent = Annotated[Admission | Observations | Transfer | Discharge | Watermark, Field(discriminator="kind")]


class Observation(Part):
    """One `Observations` event inside an `HourRecord`."""

    event_id: Identifier
    at: Instant
    values: dict[str, float]


class StayRecord(Message):
    """Everything of a stay that is not a measurement. Key `<stay>|stay`. `ward_since` is None until an admission or
    transfer has told the ward.
    """

    kind: Literal["stay"] = "stay"
    stay_id: Identifier
    ward: str
    admitted_at: Instant
    event_time: Instant
    """The event that caused this version."""
    admissions: Annotated[int, Field(ge=0)] = 0
    """Distinct admission events; one after the first corrects the demographics, of the whole stay."""
    demographics: Demographics | None = None
    demographics_at: Instant | None = None
    """When the admission that told the demographics took place; a later one corrects an earlier one."""
    discharged_at: Instant | None = None
    ward_since: Instant | None = None
    event_ids: tuple[str, ...] = ()


class HourRecord(Message):
    """The observations of one hour of a stay. Key `<stay>|h<hour>`, four digits at least; hour k covers
    minutes (60(k-1), 60k] since admission, and hour 1 minute 0 too.
    """

    kind: Literal["hour"] = "hour"
    stay_id: Identifier
    ward: str
    admitted_at: Instant
    event_time: Instant
    hour: Annotated[int, Field(ge=1)]
    observations: tuple[Observation, ...]


EhrRecord = Annotated[StayRecord | HourRecord | Watermark, Field(discriminator="kind")]

_T = TypeVar("_T")
_EVENTS: TypeAdapter[EhrEvent] = TypeAdapter(EhrEvent)
_RECORDS: TypeAdapter[EhrRecord] = TypeAdapter(EhrRecord)


def read_ehr_event(value: bytes | None) -> EhrEvent:
    """Read a message of `ehr.events.v1`; `MessageError` (`unreadable`) says what does not fit."""
    return _read(_EVENTS, "EHR event", value)


def read_ehr_record(value: bytes | None) -> EhrRecord:
    """Read a message of `ehr.features.v1`; `MessageError` (`unreadable`) says what does not fit."""
    return _read(_RECORDS, "EHR feature record", value)


def _read(adapter: TypeAdapter[_T], what: str, value: bytes | None) -> _T:
    if value is None:
        raise MessageError("unreadable", f"The message has no value where an {what} is due.")
    try:
        return adapter.validate_json(value)
    except ValidationError as error:
        raise unreadable(what, error) from None
