"""What a runner's process tells of itself while it runs: metrics, traces, and whether it gets on."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, ProcessCollector

from lemof_stream.runner.runner import Runner
from lemof_stream.settings import Settings
from lemof_stream.telemetry.cycle_trace import CycleTrace
from lemof_stream.telemetry.metrics import (
    CycleFacts,
    FlowMetrics,
    ModelMetrics,
    PartitionFacts,
    StandingMetrics,
)
from lemof_stream.telemetry.serving import serving
from lemof_stream.worker.cycle import LaneWork
from lemof_stream.worker.lane import Lane
from lemof_stream.worker.merge import AT_ONCE, LONGEST_WAIT
from lemof_stream.worker.standby import Standby

# A rebalance (30 s), then a transaction that is given up (35 s), and as much again: none of them is a standstill.
_STANDSTILL_S: Final = 120.0
# While cycles commit nobody has to ask whether anything waits.
_ASK_EVERY_S: Final = 1.0
# The position of a partition is known at once, or not before its next fetch: a scrape does not wait for that.
_POSITION_S: Final = 1.0


class Watch:
    """A stopwatch for one turn of the loop, and the spans of its cycle while tracing is on."""

    def __init__(self, tracer: Tracer | None) -> None:
        self.spans = None if tracer is None else CycleTrace(tracer, time.time_ns())
        self.stages: dict[str, float] = {}
        self._lap = time.perf_counter()

    def lap(self, stage: str) -> None:
        """A stage has ended, which began where the last one ended."""
        now = time.perf_counter()
        self.stages[stage] = now - self._lap
        self._lap = now


class Observer:
    """Counts what was committed, knows when something last was, and answers scrapes and probes."""

    def __init__(self, settings: Settings, tracer: Tracer | None) -> None:
        self.address: str | None = None
        """Where metrics are served; None while they are not."""
        self.consumer: AIOKafkaConsumer | None = None
        """That of the present membership in the group."""
        self.standby: Standby | None = None
        self._settings = settings
        self._tracer = tracer
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._flow = FlowMetrics(self._registry)
        self.models = ModelMetrics(self._registry)
        self._standing = StandingMetrics(self._registry)
        self._patience_s = _STANDSTILL_S + LONGEST_WAIT * settings.idle_ms / 1000
        self._moved_at = time.monotonic()
        self._opening = False

    @asynccontextmanager
    async def serving(self, look: Callable[[], tuple[Mapping[int, Lane], Runner]]) -> AsyncIterator[None]:
        """Serve metrics meanwhile, where a port is set. `look`: the process's lanes and runner as of now.

        Raises:
            ConfigError: another program listens on the port.
        """

        async def refresh() -> None:
            await self._refresh(*look())

        async with serving(self._settings, self._registry, refresh, self.gets_on) as self.address:
            yield

    def watch(self) -> Watch:
        """A turn begins."""
        return Watch(self._tracer)

    def note(self, watch: Watch, works: Sequence[LaneWork], failed: Collection[int]) -> None:
        """A cycle has ended; the transactions of the partitions `failed` were not committed."""
        if not works:
            return
        done = [work for work in works if work.lane.partition not in failed]
        self._flow.cycle(
            CycleFacts(
                outcomes=_total(work.counts for work in done),
                kinds=_total(work.kinds for work in done),
                reasons=_total(work.refusals for work in done),
                inputs=sum(work.inputs for work in works),
                transactions={"committed": len(done), "failed": len(failed)},
                stages=watch.stages,
            )
        )
        if watch.spans is not None:
            watch.spans.end(watch.stages, sum(work.inputs for work in works), failed)
        if done:
            self.moved()

    def moved(self) -> None:
        """The process got on, or is not to blame that it did not."""
        self._moved_at = time.monotonic()

    @contextmanager
    def opening(self) -> Iterator[None]:
        """A partition is being opened, which takes as long as its state is large."""
        self._opening = True
        try:
            yield
            self.moved()
        finally:
            self._opening = False

    async def turned(self, assigned: Collection[int], lanes: Mapping[int, Lane]) -> None:
        """A turn of the loop has ended. Where nothing waits, that nothing is committed is no standstill."""
        if time.monotonic() - self._moved_at < _ASK_EVERY_S:
            return
        lags = [records for lane in lanes.values() for records in (await self._lag(lane)).values()]
        if len(lanes) == len(assigned) and len(lags) == 2 * len(lanes) and not any(lags):
            self.moved()

    def gets_on(self) -> bool:
        """Whether something was committed lately, as far as there was something to commit."""
        return self._opening or time.monotonic() - self._moved_at < self._patience_s

    async def _refresh(self, lanes: Mapping[int, Lane], runner: Runner) -> None:
        stays = runner.stays_by_partition()
        facts = [
            PartitionFacts(lane.partition, stays[lane.partition], await self._lag(lane), _reached(lane))
            for lane in list(lanes.values())  # a rebalance may change them between two of the questions
        ]
        standby_bytes = 0 if self.standby is None else self.standby.bytes
        self._standing.look(facts, runner.state_bytes, standby_bytes, time.time())

    async def _lag(self, lane: Lane) -> dict[str, int]:
        """Records by topic: those that Kafka gives out to a reader of what is committed, and those that wait in memory.

        From positions, not from what was taken: a topic may end in transaction markers. A topic of which no fetch has
        come back yet is absent.
        """
        lags: dict[str, int] = {}
        if self.consumer is None:
            return lags
        for place in lane.places:
            try:
                async with asyncio.timeout(_POSITION_S):
                    position = await self.consumer.position(place)
            except (KafkaError, TimeoutError):  # not ours any more, or to be opened anew
                continue
            end = self.consumer.last_stable_offset(place)
            if end is not None and end >= 0:
                lags[place.topic] = max(0, end - position) + lane.held(place.topic)
        return lags


def _total(counters: Iterator[Counter[str]]) -> Counter[str]:
    return sum(counters, Counter())


def _reached(lane: Lane) -> dict[str, float]:
    feeds = {"ehr": lane.ehr_watermark, "vitals": lane.last_window}
    return {feed: reached for feed, reached in feeds.items() if reached != AT_ONCE}
