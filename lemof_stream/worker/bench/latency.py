"""Latency from a window's send to its prediction, read by a `read_committed` consumer, under an open load.

Windows are due at even intervals whatever becomes of those before, and a window counts from when it was due. Its
prediction is the first of its stay that holds it: windows that wait together are answered by one.
"""

import asyncio
import gc
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from lemof_stream.broker.stopping import stop_client
from lemof_stream.contracts.topics import PREDICTIONS, VITALS
from lemof_stream.telemetry.tracing import NO_HEADERS
from lemof_stream.worker.bench.beds import Beds, Sent
from lemof_stream.worker.bench.kafka import PARTITIONS, open_producer
from lemof_stream.worker.clients import follower
from lemof_stream.worker.cycle import Outgoing
from lemof_stream.worker.transaction import batches

_SETTLE: Final = 0.25
"""Share of the interval whose windows are sent and not counted: the first at a new rate are the slowest."""
_TICK_S: Final = 0.002  # between two looks at what is due; it bounds what the generator itself adds
_QUIET_S: Final = 1.5  # longer than any cycle takes
_DRAIN_S: Final = 10.0
"""Windows that have no prediction so long after the last was due are given up."""
SATURATED_MS: Final = 1000.0
"""Where a hundredth of the windows waits for longer than this, the queue grows with the length of the measurement."""


@dataclass
class Reading:
    """What a consumer has read, when. Looked into afterwards: parsing would compete for the machine."""

    arrivals: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def newest(self) -> float:
        """When the last prediction came."""
        return self.arrivals[-1][0] if self.arrivals else 0.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one rate; milliseconds. `late_ms`: how far behind the generator itself was, which the latencies include."""

    windows_per_s: float
    p50: float
    p99: float
    late_ms: float
    counted: int
    missing: int

    @property
    def saturated(self) -> bool:
        """Whether the engine no longer keeps up."""
        return self.missing > 0 or self.p99 > SATURATED_MS


async def latency(brokers: str, beds: Beds, rate: float, seconds: float, first: int = 0) -> Latency:
    """Send at a rate for so many seconds and wait for the predictions; all beds are known to the engine."""
    number = max(round(rate * seconds), 1)
    windows = list(beds.windows(number, first))
    async with open_producer(brokers) as producer, _reading(brokers) as reading:
        gc.collect()
        gc.freeze()  # what is prepared is not looked through again while it is measured
        began = time.monotonic() + _TICK_S
        due = began + np.arange(number) / rate
        late = await _send(producer, windows, due)
        await _drain(reading)
        gc.unfreeze()
    waited = join(windows, due, reading.arrivals)[int(_SETTLE * number) :]
    known = waited[~np.isnan(waited)] * 1000
    p50, p99 = np.percentile(known, [50, 99]) if len(known) else (np.nan, np.nan)
    return Latency(rate, float(p50), float(p99), late * 1000, len(waited), int(np.isnan(waited).sum()))


async def _send(producer: AIOKafkaProducer, windows: Sequence[Sent], due: Any) -> float:
    """Send each window when it is due; returns how late the latest hundredth of them was handed over."""
    sent, done = [], 0
    behind = np.zeros(len(windows))
    while done < len(windows):
        now = time.monotonic()
        ready = int(np.searchsorted(due, now, side="right"))
        behind[done:ready] = now - due[done:ready]
        by_partition: dict[int, list[Outgoing]] = defaultdict(list)
        for window in windows[done:ready]:
            by_partition[window.record.partition].append((window.record.key, window.record.value, NO_HEADERS))
        for partition, records in by_partition.items():
            sent += [
                await producer.send_batch(batch, VITALS, partition=partition)
                for batch in batches(producer, records)
            ]
        done = ready
        await asyncio.sleep(_TICK_S)
    await asyncio.gather(*sent)
    return float(np.percentile(behind, 99))


async def _drain(reading: Reading) -> None:
    """Wait until no more predictions come."""
    began = time.monotonic()
    while time.monotonic() - max(began, reading.newest) < _QUIET_S and time.monotonic() - began < _DRAIN_S:
        await asyncio.sleep(_TICK_S)


@asynccontextmanager
async def _reading(brokers: str) -> AsyncIterator[Reading]:
    """Read what is published from now on."""
    consumer = follower(brokers, "latest")
    await consumer.start()
    places = [TopicPartition(PREDICTIONS, partition) for partition in range(PARTITIONS)]
    consumer.assign(places)
    for place, end in (await consumer.end_offsets(places)).items():
        consumer.seek(place, end)
    reading = Reading()
    task = asyncio.create_task(_read(consumer, reading))
    try:
        yield reading
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await stop_client(consumer)


async def _read(consumer: AIOKafkaConsumer, reading: Reading) -> None:
    while True:
        fetched = await consumer.getmany(timeout_ms=1000)
        now = time.monotonic()
        reading.arrivals += [(now, record.value) for records in fetched.values() for record in records]


def join(windows: Sequence[Sent], due: Any, arrivals: Sequence[tuple[float, bytes]]) -> Any:
    """Seconds that each window waited [N]; NaN where no prediction came."""
    waited = np.full(len(windows), np.nan)
    pending: dict[str, deque[int]] = defaultdict(deque)
    for index, window in enumerate(windows):
        pending[window.stay_id].append(index)
    for at, value in arrivals:
        stay_id, event_time = _prediction(value)
        queue = pending[stay_id]
        while queue and windows[queue[0]].event_time <= event_time:
            index = queue.popleft()
            waited[index] = at - due[index]
    return waited


def _prediction(value: bytes) -> tuple[str, float]:
    message = json.loads(value)
    return message["stay_id"], datetime.fromisoformat(message["event_time"]).timestamp()
