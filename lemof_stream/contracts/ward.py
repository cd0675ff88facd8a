"""What the ward app derives from predictions, and the state that it derives it by."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from lemof_stream.contracts.message import Identifier, Instant, Message, unreadable
from lemof_stream.errors import MessageError


class Alert(Message):
    """A stay's risk crossed into (`raised`) or out of (`cleared`) the alert band; key is the stay."""

    alert_id: Identifier
    stay_id: Identifier
    ward: str
    state: Literal["raised", "cleared"]
    risk: str
    """The column of the prediction that the alert watches, such as `p_death`."""
    value: Annotated[float, Field(ge=0, le=1)]
    threshold: Annotated[float, Field(ge=0, le=1)]
    event_time: Instant
    prediction_id: Identifier


class Census(Message):
    """How many beds of a ward are taken, and how many of those are expected to be free again; key is the ward."""

    ward: str
    event_time: Instant
    stays: Annotated[int, Field(ge=0)]
    leaving_24h: Annotated[float, Field(ge=0)]
    leaving_48h: Annotated[float, Field(ge=0)]
    leaving_7d: Annotated[float, Field(ge=0)]


class Outlook(Message):
    """The newest prediction about a stay, whichever model made it. Key `<stay>|outlook`."""

    kind: Literal["outlook"] = "outlook"
    stay_id: Identifier
    ward: str
    admitted_at: Instant
    event_time: Instant
    prediction_id: Identifier
    step: int
    revision: int
    step_end: Instant
    predictions: dict[str, float]
    raised: bool
    """Whether an alert stands."""


class Departure(Message):
    """A stay was discharged. Key `<stay>|left`."""

    kind: Literal["departure"] = "departure"
    stay_id: Identifier
    discharged_at: Instant


WardRecord = Annotated[Outlook | Departure, Field(discriminator="kind")]

_RECORDS: TypeAdapter[WardRecord] = TypeAdapter(WardRecord)


def read_ward_record(value: bytes | None) -> WardRecord:
    """Read a message of `ward.state.v1`; `MessageError` (`unreadable`) says what does not fit."""
    if value is None:
        raise MessageError("unreadable", "The message has no value where a ward record is due.")
    try:
        return _RECORDS.validate_json(value)
    except ValidationError as error:
        raise unreadable("ward record", error) from None
