"""The kinds of faults, as a scenario names them.

Faults of messages alter sendings: each says which it touches and what becomes of one of them. Faults of processes are
done to a running ward. All begin `start_min` minutes after the ward has opened, by its own clock.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, ClassVar, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from lemof_stream.contracts.topics import VITALS
from lemof_stream.contracts.vitals import VitalWindow
from simulators.faults.sending import Broken, Sending
from simulators.timeline import RawMessage

Chooses = Callable[[Sending], bool]
Share = Annotated[float, Field(gt=0, le=1)]
_Minutes = Annotated[float, Field(gt=0, le=48 * 60)]

_MINUTE_S: Final = 60.0
# Beats a minute, which no heart makes: a device's code for "no reading", sent as a value.
_NO_READING: Final = 9999.0


class Fault(BaseModel):
    """`harmless`: it must not change any final prediction."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    harmless: ClassVar[bool] = False

    start_min: Annotated[float, Field(ge=0)]


class MessageFault(Fault, ABC):
    """A fault that alters sendings while it lasts."""

    kind: str

    length_min: _Minutes

    @property
    def held_s(self) -> float:
        """How long it may hold an EHR event back, which the feed's watermarks have to know."""
        return 0.0

    def covers(self, sending: Sending) -> bool:
        """Whether the fault lasts when the message is due."""
        return 0 <= sending.due_s / _MINUTE_S - self.start_min < self.length_min

    @abstractmethod
    def chooser(self, sendings: Sequence[Sending], random: np.random.Generator) -> Chooses:
        """What says of each sending, in their order, whether it is touched."""

    @abstractmethod
    def alter(self, sending: Sending, random: np.random.Generator) -> Sequence[Sending]:
        """What becomes of one that is touched."""


class NetworkFault(MessageFault):
    """It touches a share of all messages: vital windows and EHR events."""

    share: Share

    def chooser(self, _: Sequence[Sending], random: np.random.Generator) -> Chooses:
        return lambda sending: self.covers(sending) and random.random() < self.share


class DeviceFault(MessageFault):
    """It touches every vital window of a share of the beds, at least of one."""

    beds: Share

    def chooser(self, sendings: Sequence[Sending], random: np.random.Generator) -> Chooses:
        stays = sorted({sending.message.stay_id for sending in sendings if sending.window is not None})
        chosen = set(random.permutation(stays)[: max(1, round(self.beds * len(stays)))].tolist())
        return lambda sending: (
            self.covers(sending) and sending.window is not None and sending.message.stay_id in chosen
        )


class Duplicates(NetworkFault):
    """Messages come once more, up to `within_min` minutes later."""

    harmless: ClassVar[bool] = True

    kind: Literal["duplicates"]
    within_min: _Minutes

    def alter(self, sending: Sending, random: np.random.Generator) -> Sequence[Sending]:
        return sending, sending.later(random.uniform(0, self.within_min) * _MINUTE_S)


class Reorder(NetworkFault):
    """Messages are held back by up to `within_min` minutes, each by its own time, and overtake each other."""

    harmless: ClassVar[bool] = True

    kind: Literal["reorder"]
    within_min: _Minutes

    @property
    def held_s(self) -> float:
        return self.within_min * _MINUTE_S

    def alter(self, sending: Sending, random: np.random.Generator) -> Sequence[Sending]:
        return (sending.later(random.uniform(0, self.within_min) * _MINUTE_S),)


class Drop(NetworkFault):
    """Messages are lost."""

    kind: Literal["drop"]

    def alter(self, sending: Sending, random: np.random.Generator) -> Sequence[Sending]:  # noqa: ARG002
        return ()


class Corrupt(NetworkFault):
    """Vital windows arrive broken, in one of the ways named: cut-off JSON, a wrong key, an impossible value."""

    kind: Literal["corrupt"]
    how: Annotated[tuple[Literal["json", "key", "value"], ...], Field(min_length=1)]

    def chooser(self, sendings: Sequence[Sending], random: np.random.Generator) -> Chooses:
        drawn = super().chooser(sendings, random)
        return lambda sending: sending.window is not None and drawn(sending)

    def alter(self, sending: Sending, random: np.random.Generator) -> Sequence[Sending]:
        window = sending.window
        assert window is not None
        how = self.how[int(random.integers(len(self.how)))]
        return (sending._replace(message=_broken(window, how, random)),)


class Delay(DeviceFault):
    """A bed's windows arrive `by_min` minutes late, in their order; the EHR feed goes on without them."""

    harmless: ClassVar[bool] = True

    kind: Literal["delay"]
    by_min: _Minutes

    def alter(self, sending: Sending, random: np.random.Generator) -> Sequence[Sending]:  # noqa: ARG002
        return (sending.later(self.by_min * _MINUTE_S),)


class ClockSkew(DeviceFault):
    """A device's clock is `by_min` minutes ahead, or behind where that is negative; its windows say so."""

    kind: Literal["clock_skew"]
    # A stay is known by then: one whose first message is off by days would be taken to begin there.
    start_min: Annotated[float, Field(ge=60)]
    by_min: Annotated[float, Field(ge=-30 * 24 * 60, le=30 * 24 * 60)]

    def alter(self, sending: Sending, random: np.random.Generator) -> Sequence[Sending]:  # noqa: ARG002
        window = sending.window
        assert window is not None
        by = timedelta(minutes=self.by_min)
        # A copy is not validated: a device knows nothing of the contract.
        skewed = window.model_copy(update={"start": window.start + by, "end": window.end + by})
        return (sending._replace(message=skewed),)


class Silence(DeviceFault):
    """Beds send no windows, and then do again."""

    kind: Literal["silence"]

    def alter(self, sending: Sending, random: np.random.Generator) -> Sequence[Sending]:  # noqa: ARG002
        return ()


class BrokerPause(Fault):
    """Kafka's process is stopped (SIGSTOP) for so many seconds of real time, and goes on (SIGCONT)."""

    harmless: ClassVar[bool] = True

    kind: Literal["broker_pause"]
    process: ClassVar[str] = "broker"
    # The simulator itself gives a batch up after 10 s.
    seconds: Annotated[float, Field(gt=0, le=8)]

    @property
    def deed(self) -> str:
        """What is done, for a person."""
        return f"the broker is paused for {self.seconds:g} s"


class Kill(Fault):
    """A runner or the EHR app is killed (SIGKILL), and started again `down_s` seconds of real time later."""

    harmless: ClassVar[bool] = True

    kind: Literal["kill"]
    process: Literal["runner", "ehr"]
    # Longer than a session timeout, so that either order is possible: the other takes over, or it comes back first.
    down_s: Annotated[float, Field(ge=0, le=30)]

    @property
    def deed(self) -> str:
        """What is done, for a person."""
        return f"the {'EHR app' if self.process == 'ehr' else 'first of two runners'} is killed"


AnyFault = Annotated[
    Duplicates | Reorder | Drop | Corrupt | Delay | ClockSkew | Silence | BrokerPause | Kill,
    Field(discriminator="kind"),
]


def _broken(window: VitalWindow, how: str, random: np.random.Generator) -> Broken:
    key, value, reason = window.stay_id.encode(), window.to_bytes(), "unreadable"
    match how:
        case "json":
            value = value[: int(random.integers(1, len(value)))]
        case "key":
            key += b"-next"  # no stay's: any other than its own has to be refused
        case "value":
            value = window.model_copy(update={"channels": {"heart_rate": _NO_READING}}).to_bytes()
            reason = "implausible"
    return Broken(RawMessage(VITALS, window.stay_id, key, value), reason)
