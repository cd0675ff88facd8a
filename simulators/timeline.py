"""What a simulator is: messages in the order in which they are to be sent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from lemof_stream.contracts.ehr import Admission, Discharge, Observations, Transfer
from lemof_stream.contracts.topics import EHR_EVENTS, VITALS
from lemof_stream.contracts.vitals import VitalWindow

StayMessage = VitalWindow | Admission | Observations | Transfer | Discharge


class RawMessage(NamedTuple):
    """What a broken device sends: bytes as they are, in the partition of the stay that they were meant for."""

    topic: str
    stay_id: str
    key: bytes
    value: bytes


class Moment(NamedTuple):
    """The messages that are sent together."""

    at_s: float
    """Seconds since the timeline's origin, growing from moment to moment."""
    messages: list[StayMessage]
    raw: Sequence[RawMessage] = ()
    """Sent behind the messages."""


@dataclass(frozen=True)
class Timeline:
    """Moments with what the sender needs to know of all of them."""

    origin: datetime
    """The instant of second 0."""
    end_s: float | None
    """Seconds from the origin to the last event; None for a timeline without an end."""
    disorder_s: float
    """How much later than its event time a message may be sent, in seconds of the timeline."""
    messages: int
    """How many there are in all, at most; 0 for a timeline without an end."""
    moments: Iterator[Moment]
    moments_from: Callable[[float], Iterator[Moment]] | None = None
    """The moments from this second on, once more; None for a timeline that is made as it is played."""


def topic_of(message: StayMessage) -> str:
    """The topic a message belongs on."""
    return VITALS if isinstance(message, VitalWindow) else EHR_EVENTS
