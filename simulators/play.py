"""Plays a timeline onto the topics, at a multiple of real time or as fast as possible."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel

from lemof_stream.contracts.message import Instant
from lemof_stream.contracts.topics import VITALS
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.errors import ConfigError
from simulators.sender import Sender
from simulators.tempo import Tempo
from simulators.timeline import Moment, Timeline

# Often enough that the feed never looks further behind than a runner tolerates (30 s of event time), and that nobody
# waits a second for a quiet one; rare enough (20 a second and partition) to cost little.
_WATERMARK_EVERY_EVENT_S: Final = 10.0
_WATERMARK_EVERY_S: Final = (0.05, 1.0)
# Behind the next moment, which may hold an event of that very second that is not sent yet.
_JUST_BEFORE_S: Final = 1.0


class Played(BaseModel):
    """What was sent, and how fast."""

    complete: bool
    """Whether the timeline was played to its end."""
    stays: int
    windows: int
    events: int
    """EHR events; watermarks are not among them."""
    seconds: float
    speed_up: float
    """Seconds of the timeline a second of wall time."""


class Position(BaseModel):
    """Where a playing is, and how it goes on."""

    at: Instant
    """The event time that was reached."""
    end: Instant | None
    """Of the last event; None for a timeline without an end."""
    speed: float | Literal["max"]
    paused: bool
    windows: int
    events: int


class Player:
    """One playing of one timeline. `speed` is a multiple of real time; None is as fast as possible."""

    def __init__(self, timeline: Timeline, sender: Sender, speed: float | None) -> None:
        self.origin = timeline.origin
        self._timeline = timeline
        self._sender = sender
        self._moments = timeline.moments
        self._tempo = Tempo(speed)
        self._stopped = False
        self._sought_s: float | None = None
        self._woken = asyncio.Event()
        self._stays: set[str] = set()
        self._windows = self._events = 0
        self._reached_s = self._furthest_s = self._complete_s = -_JUST_BEFORE_S
        self._coming_s = 0.0
        self._started = self._next_watermark = 0.0

    def stop(self) -> None:
        """End after what is due now."""
        self._stopped = True
        self._woken.set()

    @property
    def paused(self) -> bool:
        """Whether everything is held back. The feed's watermark stands meanwhile, so nobody falls silent by it."""
        return self._tempo.paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._tempo.go_on_from(self._at_s())
        self._tempo.paused = paused
        self._woken.set()

    @property
    def speed(self) -> float | None:
        """A multiple of real time; None is as fast as possible."""
        return self._tempo.speed

    @speed.setter
    def speed(self, speed: float | None) -> None:
        self._tempo.go_on_from(self._at_s())
        self._tempo.speed = speed
        self._woken.set()

    def seek(self, at: datetime) -> None:
        """Go on from another event time.

        Forward nothing is left out: what lies between is sent at once, as a prediction rests on a stay's past. Back,
        messages are sent again: the receiver counts their windows as duplicates, or as late where they lie more than
        48 steps behind, and changes no prediction.

        Raises:
            ConfigError: the timeline does not hold it, or cannot go back.
        """
        to_s = (at - self._timeline.origin).total_seconds()
        end_s = self._timeline.end_s
        if self._timeline.moments_from is None or end_s is None:
            raise ConfigError("What is made as it is played has no other time to go to; replay a recording.")
        if not 0 <= to_s <= end_s:
            first, last = self._timeline.origin, self._timeline.origin + timedelta(seconds=end_s)
            raise ConfigError(
                f"{at.isoformat()} lies outside of what is replayed; name an instant from {first.isoformat()} to "
                f"{last.isoformat()}."
            )
        self._sought_s = to_s
        self._woken.set()

    def position(self) -> Position:
        """Where it is now."""
        origin, end_s = self._timeline.origin, self._timeline.end_s
        return Position(
            at=origin + timedelta(seconds=max(self._at_s(), 0.0)),
            end=None if end_s is None else origin + timedelta(seconds=end_s),
            speed=self._tempo.speed or "max",
            paused=self._tempo.paused,
            windows=self._windows,
            events=self._events,
        )

    async def play(self, progress: Callable[[int], None]) -> Played:
        """Send every message, `progress` being told how many at a time, and of a change of course by 0.

        Raises:
            BrokerError: Kafka does not take them.
        """
        self._started = time.monotonic()
        self._tempo.go_on_from(0.0)
        self._next_watermark = self._started + self._watermark_every()
        moment = next(self._moments, None)
        while moment is not None and not self._stopped:
            self._coming_s = moment.at_s
            if self._sought_s is not None:
                moment = self._jump(moment, self._sought_s)
                progress(0)
            elif await self._wait_for(moment):
                await self._send(moment)
                progress(len(moment.messages) + len(moment.raw))
                moment = next(self._moments, None)
            else:
                progress(0)
        complete = moment is None
        end_s = self._timeline.end_s
        await self._watermark(end_s if complete and end_s is not None else self._safe_s())
        await self._sender.flush()
        seconds = time.monotonic() - self._started
        return Played(
            complete=complete,
            stays=len(self._stays),
            windows=self._windows,
            events=self._events,
            seconds=round(seconds, 3),
            speed_up=round(self._furthest_s / seconds, 1),
        )

    def _jump(self, coming: Moment, to_s: float) -> Moment | None:
        """Go on from this second; returns the moment that comes next."""
        self._sought_s = None
        self._tempo.go_on_from(to_s)
        if to_s > self._reached_s or self._timeline.moments_from is None:
            return coming  # at once, with all up to there
        self._reached_s = to_s - _JUST_BEFORE_S
        self._moments = self._timeline.moments_from(to_s)
        return next(self._moments, None)

    async def _wait_for(self, moment: Moment) -> bool:
        """Wait until a moment is due, with watermarks while nothing else is sent; False for a change of course."""
        # Not within the loop: what comes in the very turn in which the wait times out would be lost.
        self._woken.clear()
        while True:
            await self._watermark_when_due(moment)
            wait_s = self._tempo.wait_s(moment.at_s)
            if wait_s <= 0:
                await asyncio.sleep(0)  # lets the producer work and a signal in, where nothing else waits
                return not self._woken.is_set()
            await self._sender.push()
            until_watermark = max(self._next_watermark - time.monotonic(), 0.0)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait_s, until_watermark)):
                    await self._woken.wait()
                    return False

    async def _watermark_when_due(self, coming: Moment) -> None:
        if time.monotonic() < self._next_watermark:
            return
        self._next_watermark = time.monotonic() + self._watermark_every()
        clock_s = self._tempo.now_s()
        if clock_s < float("inf"):
            self._reached(max(self._reached_s, min(clock_s, coming.at_s - _JUST_BEFORE_S)))
        await self._watermark(self._safe_s())
        await self._sender.push()

    async def _send(self, moment: Moment) -> None:
        for message in moment.messages:
            self._stays.add(message.stay_id)
            window = isinstance(message, VitalWindow)
            self._windows += window
            self._events += not window
            await self._sender.send(message)
        for raw in moment.raw:
            self._windows += raw.topic == VITALS
            self._events += raw.topic != VITALS
            await self._sender.send_raw(raw)
        self._reached(moment.at_s)

    def _reached(self, at_s: float) -> None:
        self._reached_s = at_s
        self._furthest_s = max(self._furthest_s, at_s)

    def _at_s(self) -> float:
        """The second that is played: by the clock, unless messages that are due wait to be sent."""
        now_s = self._tempo.now_s()
        return now_s if now_s < self._coming_s else self._reached_s

    def _watermark_every(self) -> float:
        least, most = _WATERMARK_EVERY_S
        speed = self._tempo.speed
        return most if speed is None else min(max(_WATERMARK_EVERY_EVENT_S / speed, least), most)

    def _safe_s(self) -> float:
        """Every event up to this second of the timeline is sent."""
        return self._reached_s - self._timeline.disorder_s

    async def _watermark(self, at_s: float) -> None:
        """A feed that was complete stays so: what is sent again behind a watermark is known."""
        self._complete_s = max(self._complete_s, at_s)
        await self._sender.watermark(self._timeline.origin + timedelta(seconds=self._complete_s))
