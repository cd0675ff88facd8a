"""What the passing of time does to a stay that nothing comes from: its step closes, it goes stale, then is withheld;
its discharge closes every step that has begun, and some time after that it leaves.

Time is the event time of a partition, told from outside. All of this follows from what a stay has taken in and from
that time, however coarsely it moves.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from lemof_stream.contracts.ehr import StayRecord
from lemof_stream.model.schema import InputSchema
from lemof_stream.runner.grid import place
from lemof_stream.runner.intake import FARTHEST_LEAP
from lemof_stream.runner.stay import Silence, Stay


@dataclass(frozen=True)
class Limits:
    """How long without vital windows makes a stay stale, and withheld."""

    stale_after: timedelta = timedelta(hours=2)
    withheld_after: timedelta = timedelta(hours=8)

    def of(self, silence: Silence) -> timedelta:
        """What has to pass for this kind of silence."""
        return self.stale_after if silence is Silence.STALE else self.withheld_after


class Fallen(NamedTuple):
    """A stay has become silent, and in which step: the step, and the minutes of it that had passed by then."""

    stay: Stay
    silence: Silence
    step: int
    minutes: float


class Clock:
    """Applies a partition's time to its stays."""

    def __init__(self, schema: InputSchema, limits: Limits) -> None:
        self._step_minutes = schema.step_minutes
        self._length = timedelta(minutes=schema.step_minutes)
        self._kept = schema.kept_steps * self._length
        self._limits = limits

    def pass_steps(self, stay: Stay, now: datetime) -> bool:
        """Note how many steps are over; returns whether one is due by that."""
        stay.passed = max(stay.passed, (now - stay.admitted_at) // self._length)
        return stay.told < stay.due

    def begun(self, stay: Stay, now: datetime) -> int:
        """The last step of the stay that has begun by its discharge; the open one while that is to come.

        A discharge a leap behind all else that was heard of the stay is a broken clock, and opens nothing.
        """
        if stay.discharged_at is None or now < stay.discharged_at:
            return stay.open
        step, _ = place(stay.admitted_at, stay.discharged_at, self._step_minutes)
        return step if stay.open < step <= stay.open + FARTHEST_LEAP // self._length else stay.open

    def fallen(self, stay: Stay, now: datetime) -> list[Fallen]:
        """Every kind of silence that is to be said of the stay by now and has not been.

        It is said of the step in which it was reached, or of the first that is not final, and again once that is. Steps
        that are due have been committed.
        """
        since = stay.heard or stay.admitted_at
        over = stay.told >= stay.open
        found: dict[int, Fallen] = {}
        for silence in (Silence.STALE, Silence.WITHHELD):
            reached = since + self._limits.of(silence)
            if stay.discharged_at is not None or now < reached:
                break
            again = silence == stay.silence and over and stay.spoken <= stay.open
            if silence > stay.silence or again:
                step, minutes = place(stay.admitted_at, reached, self._step_minutes)
                if step < stay.open + over:
                    step, minutes = stay.open + over, 0.0 if over else stay.step(stay.open).minutes
                stay.silence, stay.spoken = silence, step
                found[step] = Fallen(stay, silence, step, minutes)
        return list(found.values())

    def has_ended(self, stay: Stay | StayRecord, now: datetime) -> bool:
        """Whether the stay was discharged so long ago that nothing of it lies inside the window any more."""
        return stay.discharged_at is not None and stay.discharged_at + self._kept <= now
