"""Plays a timeline onto the topics, at a multiple of real time or as fast as possible."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from pydantic import BaseModel

from lemof_stream.contracts.topics import VITALS
from lemof_stream.contracts.vitals import VitalWindow
from simulators.sender import Sender
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


class Player:
    """One playing of one timeline. `speed` is a multiple of real time; None is as fast as possible."""

    def __init__(self, timeline: Timeline, sender: Sender, speed: float | None) -> None:
        self._timeline = timeline
        self._sender = sender
        self._speed = speed
        self._stopped = asyncio.Event()
        self._stays: set[str] = set()
        self._windows = self._events = 0
        self._reached_s = -_JUST_BEFORE_S
        self._started = self._next_watermark = 0.0
        least, most = _WATERMARK_EVERY_S
        self._watermark_every = (
            most if speed is None else min(max(_WATERMARK_EVERY_EVENT_S / speed, least), most)
        )

    def stop(self) -> None:
        """End after what is due now."""
        self._stopped.set()

    async def play(self, progress: Callable[[int], None]) -> Played:
        """Send every message, `progress` being told how many at a time.

        Raises:
            BrokerError: Kafka does not take them.
        """
        self._started = time.monotonic()
        self._next_watermark = self._started + self._watermark_every
        for moment in self._timeline.moments:
            await self._wait_for(moment)
            if self._stopped.is_set():
                break
            await self._send(moment)
            progress(len(moment.messages) + len(moment.raw))
        complete = not self._stopped.is_set()
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
            speed_up=round(self._reached_s / seconds, 1),
        )

    async def _wait_for(self, moment: Moment) -> None:
        """Wait until a moment is due, with watermarks while nothing else is sent."""
        while True:
            await self._watermark_when_due(moment)
            wait_s = 0.0 if self._speed is None else moment.at_s / self._speed - self._elapsed()
            if wait_s <= 0 or self._stopped.is_set():
                await asyncio.sleep(0)  # lets the producer work and a signal in, where nothing else waits
                return
            await self._sender.push()
            until_watermark = max(self._next_watermark - time.monotonic(), 0.0)
            try:
                async with asyncio.timeout(min(wait_s, until_watermark)):
                    await self._stopped.wait()
            except TimeoutError:
                continue

    async def _watermark_when_due(self, coming: Moment) -> None:
        if time.monotonic() < self._next_watermark:
            return
        self._next_watermark = time.monotonic() + self._watermark_every
        if self._speed is not None:
            clock_s = min(self._elapsed() * self._speed, coming.at_s - _JUST_BEFORE_S)
            self._reached_s = max(self._reached_s, clock_s)
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
        self._reached_s = moment.at_s

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _safe_s(self) -> float:
        """Every event up to this second of the timeline is sent."""
        return self._reached_s - self._timeline.disorder_s

    async def _watermark(self, at_s: float) -> None:
        await self._sender.watermark(self._timeline.origin + timedelta(seconds=at_s))
