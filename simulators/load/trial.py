"""Runs one load against a running system, and measures what became of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from lemof_stream.errors import BrokerError
from lemof_stream.settings import Settings
from simulators.load.answers import Answers, Waiting, open_answers
from simulators.load.beds import Beds, WindowWriter
from simulators.load.generator import Start
from simulators.load.objective import Objective, judge
from simulators.load.outbox import open_outbox
from simulators.load.plan import Plan, Schedule, schedule
from simulators.load.processes import Generated, open_generators
from simulators.load.results import Run, latency_of, over_time
from simulators.load.watch import Sight, Watch, watching
from simulators.sender import Sender, open_sender

_WARM_S: Final = 5.0
_WARM_SHARE: Final = 0.2
"""Windows due in so many first seconds, at most this share of the run, are not counted: the slowest at a new rate."""
_LOOK_S: Final = 0.02
_QUIET_S: Final = 10.0
"""Without a prediction for so long what still waits is given up: longer than a rebalance of the group takes."""
_DRAIN_S: Final = 10.0
"""What still waits so long after the last window was due, and as long again as the run took, is given up too: a system
that is loaded beyond twice its rate would keep the test for hours."""
_FIRST_S: Final = 90.0
"""Until a bed's first prediction: a runner that starts, and waits 30 s for an EHR app that is not there."""
_SETTLED_S: Final = 2.0
"""Without a prediction for so long the beds are known: an admission that comes by way of the EHR app revises those of
the first windows."""
_WATERMARK_S: Final = 1.0  # a tenth of what the runner tolerates, also when the EHR app is slow
_BEHIND: Final = timedelta(seconds=1)  # an event of this very second may still come
_POINTS: Final = 120  # of the figures over time, at most; a second apart in a run that is shorter


class Bench:
    """A system under load, over one run or several: the beds stay, and more are admitted as they are needed."""

    def __init__(
        self,
        settings: Settings,
        partitions: int,
        sender: Sender,
        answers: Answers,
        tell: Callable[[str], None],
    ) -> None:
        self.began = datetime.now(UTC)
        self._settings = settings
        self._partitions = partitions
        self._sender = sender
        self._answers = answers
        self._tell = tell
        self._known = 0

    async def run(self, plan: Plan, objectives: Sequence[Objective], processes: int) -> Run:
        """Put the load on.

        Raises:
            BrokerError: Kafka went away, or nobody predicts.
        """
        await self._backlog(None)
        due = schedule(plan)
        beds = Beds(max(plan.beds, self._known), self.began, self._partitions)
        async with open_generators(
            self._settings.brokers, self._partitions, self.began, plan, processes
        ) as generators:
            await self._admit(beds, plan.every_s)
            self._tell(
                f"{plan.profile}: {plan.beds:,} beds, {plan.base_rate:,.0f} windows a second, {plan.seconds:g} s"
            )
            waiting = Waiting(due)
            watch = Watch(self._settings.brokers, self._settings.group, self._partitions, generators.pids)
            async with watching(watch):
                start = generators.begin()
                waiting.begin(start)
                self._answers.expect(beds, waiting)
                generated = await generators.finish(start)
                await self._backlog(_DRAIN_S + plan.seconds)
        sights, letters = watch.since(start.monotonic_s), self._answers.letters_since(start.monotonic_s)
        return _found(plan, due, waiting.answered_s(), generated, sights, letters, objectives)

    async def _admit(self, beds: Beds, every_s: float) -> None:
        """Make beds known that are not yet: an admission and a first window each, until all have a prediction."""
        first, self._known = self._known, max(beds.count, self._known)
        if first == beds.count:
            return
        self._tell(f"admitting {beds.count - first:,} beds")
        for admission in beds.admissions(first):
            await self._sender.send(admission)
        await self._sender.flush()
        rows = np.arange(first, beds.count)
        waiting = Waiting(Schedule(np.zeros(len(rows)), np.zeros(len(rows), np.int64), rows))
        start = Start(wall_ms=int(time.time() * 1000), monotonic_s=time.monotonic())
        waiting.begin(start)
        self._answers.expect(beds, waiting)
        writer = WindowWriter(beds, rows.tolist(), every_s)
        async with open_outbox(self._settings.brokers, self._partitions) as outbox:
            outbox.put(writer.write(rows, np.full(len(rows), start.wall_ms)))
        began = time.monotonic()
        while waiting.left:
            if time.monotonic() - max(began, self._answers.newest_s) > _FIRST_S:
                raise BrokerError(
                    f"{waiting.left:,} of {len(rows):,} beds had no prediction within {_FIRST_S:.0f} s: start a runner "
                    f"on the Kafka at {self._settings.brokers} (`lemof run`), or see what its log says."
                )
            await asyncio.sleep(_LOOK_S)
        while time.monotonic() - self._answers.newest_s < _SETTLED_S:
            await asyncio.sleep(_LOOK_S)

    async def _backlog(self, longest_s: float | None) -> None:
        """Wait until every window is answered, or none any more, or for so long."""
        began = time.monotonic()
        while self._answers.left and time.monotonic() - max(began, self._answers.newest_s) < _QUIET_S:
            if longest_s is not None and time.monotonic() - began > longest_s:
                break
            await asyncio.sleep(_LOOK_S)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, partitions: int, tell: Callable[[str], None]
    ) -> AsyncIterator[Self]:
        """At the end all beds are discharged, whatever happened.

        Raises:
            BrokerError: no Kafka answers there, or it lacks the topics.
        """
        nobody = Beds(0, datetime.now(UTC), partitions)
        async with (
            open_sender(settings.brokers) as sender,
            open_answers(settings.brokers, partitions, nobody) as answers,
        ):
            bench = cls(settings, partitions, sender, answers, tell)
            heartbeat = asyncio.create_task(_watermarks(settings.brokers))
            try:
                yield bench
            finally:
                heartbeat.cancel()
                await asyncio.gather(heartbeat, return_exceptions=True)
                with suppress(BrokerError):  # a Kafka that is gone has been told already
                    await bench.discharge()

    async def discharge(self) -> None:
        """End every stay, so that the system forgets them in time."""
        now = datetime.now(UTC)
        for discharge in Beds(self._known, self.began, self._partitions).discharges(now):
            await self._sender.send(discharge)
        await self._sender.watermark(now)
        await self._sender.flush()


async def _watermarks(brokers: str) -> None:
    """Say that the EHR feed is complete, as a live one does."""
    async with open_sender(brokers) as sender:
        while True:
            await sender.watermark(datetime.now(UTC) - _BEHIND)
            await sender.push()
            await asyncio.sleep(_WATERMARK_S)


def _found(
    plan: Plan,
    due: Schedule,
    answered_s: NDArray[np.float64],
    generated: Generated,
    sights: list[Sight],
    letters: list[tuple[float, int]],
    objectives: Sequence[Objective],
) -> Run:
    warm_s = min(_WARM_S, _WARM_SHARE * plan.seconds)
    counted = due.due_s >= warm_s
    latency, histogram = latency_of((answered_s[counted] - due.due_s[counted]) * 1000)
    last_s = float(np.nanmax(answered_s[counted], initial=warm_s))
    lags = [sight.lag for sight in sights if sight.lag is not None and warm_s <= sight.at_s <= plan.seconds]
    interval_s = max(1.0, plan.seconds / _POINTS)
    largest_lag = max(lags, default=None)
    return Run(
        plan=plan,
        counted_from_s=warm_s,
        generated=generated,
        answered_per_s=round((latency.windows - latency.missing) / (last_s - warm_s), 1)
        if last_s > warm_s
        else 0.0,
        latency=latency,
        largest_lag=largest_lag,
        interval_s=interval_s,
        over_time=over_time(due, answered_s, letters, interval_s),
        sights=sights,
        verdicts=[judge(objective, histogram, largest_lag) for objective in objectives],
    )
