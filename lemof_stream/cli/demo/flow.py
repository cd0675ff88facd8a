"""Watches the demo's topics from outside: what flowed, and how long a window took to become a prediction."""

import asyncio
import json
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from lemof_stream.broker.stopping import stop_client
from lemof_stream.contracts.topics import ALERTS, PREDICTIONS, VITALS

_WAITING: Final = 100_000  # windows that still wait for their prediction: far beyond a demo's, but bounded


@dataclass
class Flow:
    """Counts since the start. `latencies`: seconds from a window's send to its prediction read here, committed."""

    windows: int = 0
    predictions: int = 0
    alerts: int = 0
    latencies: list[float] = field(default_factory=list)
    _sent: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict)

    def take(self, topic: str, value: bytes, timestamp_ms: int) -> None:
        """Count one message."""
        if topic == ALERTS:
            self.alerts += 1
            return
        message: dict[str, Any] = json.loads(value)
        if topic == VITALS:
            self.windows += 1
            self._sent[message["stay_id"], message["end"]] = timestamp_ms / 1000
            if len(self._sent) > _WAITING:
                self._sent.popitem(last=False)
            return
        self.predictions += 1
        sent = self._sent.pop((message["stay_id"], message["event_time"]), None)
        if sent is not None:
            self.latencies.append(time.time() - sent)

    def percentile_ms(self, percent: float) -> float:
        """A percentile of the latencies in ms; NaN before the first."""
        return float(np.percentile(self.latencies, percent)) * 1000 if self.latencies else float("nan")

    def line(self) -> str:
        """What flowed, in one line."""
        return (
            f"{self.windows:,} windows in, {self.predictions:,} predictions out, {self.alerts:,} alerts, "
            f"p50 {self.percentile_ms(50):.0f} ms, p99 {self.percentile_ms(99):.0f} ms"
        )


class Watch:
    """Fills a `Flow` in the background."""

    def __init__(self, brokers: str) -> None:
        self.flow = Flow()
        self._brokers = brokers

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            VITALS,
            PREDICTIONS,
            ALERTS,
            bootstrap_servers=self._brokers,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        await self._consumer.start()
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await stop_client(self._consumer)

    async def _follow(self) -> None:
        record: ConsumerRecord[bytes, bytes]
        async for record in self._consumer:
            if record.value is not None:
                self.flow.take(record.topic, record.value, record.timestamp)
