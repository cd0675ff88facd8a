"""What a simulator is: messages in the order in which they are to be sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from lemof_stream.contracts.ehr import Admission, Discharge, Observations, Transfer
from lemof_stream.contracts.topics import EHR_EVENTS, VITALS
from lemof_stream.contracts.vitals import VitalWindow

StayMessage = VitalWindow | Admission | Observations | Transfer | Discharge


class Moment(NamedTuple):
    """The messages that are sent together."""

    at_s: float
    """Seconds since the timeline's origin, growing from moment to moment."""
    messages: list[StayMessage]


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
    """How many there are in all; 0 for a timeline without an end."""
    moments: Iterator[Moment]


def topic_of(message: StayMessage) -> str:
    """The topic a message belongs on."""
    return VITALS if isinstance(message, VitalWindow) else EHR_EVENTS
