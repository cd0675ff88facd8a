"""A timeline as a list of single sendings, which is what faults change, and back."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from lemof_stream.contracts.vitals import VitalWindow
from simulators.timeline import Moment, RawMessage, StayMessage


class Broken(NamedTuple):
    """A message that a fault has made unusable, and the reason that its dead letter has to give."""

    raw: RawMessage
    reason: str

    @property
    def stay_id(self) -> str:
        """The stay that the message was about."""
        return self.raw.stay_id


class Sending(NamedTuple):
    """One message; times are seconds since the timeline's origin."""

    at_s: float
    """When it is sent."""
    due_s: float
    """When it would be sent without faults: the time by which faults choose, so that copies of a message fare alike."""
    message: StayMessage | Broken

    @property
    def window(self) -> VitalWindow | None:
        """The vital window that it is, if it is a whole one."""
        return self.message if isinstance(self.message, VitalWindow) else None

    def later(self, seconds: float) -> "Sending":
        """The same message, sent so much later."""
        return self._replace(at_s=self.at_s + seconds)


def sendings_of(moments: Iterable[Moment]) -> list[Sending]:
    """Every message with its time."""
    return [Sending(moment.at_s, moment.at_s, message) for moment in moments for message in moment.messages]


def moments_of(sendings: Iterable[Sending]) -> Iterator[Moment]:
    """One moment for all that is due within a second; the sendings are in their order of time."""
    for _, together in groupby(sendings, lambda sending: int(sending.at_s)):
        due = list(together)
        messages: Sequence[StayMessage | Broken] = [sending.message for sending in due]
        yield Moment(
            due[-1].at_s,
            [message for message in messages if not isinstance(message, Broken)],
            [message.raw for message in messages if isinstance(message, Broken)],
        )
