"""What the ward app derives from predictions."""

from typing import Annotated, Literal

from pydantic import Field

from lemof_stream.contracts.message import Identifier, Instant, Message


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
