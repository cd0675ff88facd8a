"""Sends messages to Kafka in prepared batches, each to its stay's partition."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from opentelemetry.trace import Tracer

from lemof_stream.broker.admin import require_equal_topics
from lemof_stream.contracts.ehr import Watermark
from lemof_stream.contracts.topics import EHR_EVENTS, VITALS, partition_of
from lemof_stream.errors import BrokerError
from lemof_stream.telemetry.tracing import NO_HEADERS, sending
from simulators.timeline import RawMessage, StayMessage, topic_of

# A thousand windows: large batches are what makes a single producer fast; Kafka takes up to 1 MB.
_BATCH_BYTES: Final = 1 << 18
# A leader moves within a few seconds; a Kafka that is away for longer than this is down.
_DELIVERY_MS: Final = 10_000


class Sender:
    """An idempotent producer that fills one batch a topic and partition at a time."""

    def __init__(
        self, producer: AIOKafkaProducer, brokers: str, partitions: int, tracer: Tracer | None
    ) -> None:
        self._producer = producer
        self._brokers = brokers
        self._partitions = partitions
        self._tracer = tracer
        self._batches: dict[tuple[str, int], Any] = {}
        self._deliveries: deque[Any] = deque()

    async def send(self, message: StayMessage) -> None:
        """Put a message into the batch of its stay's partition; a full batch goes out first."""
        partition = partition_of(message.stay_id, self._partitions)
        topic, headers = topic_of(message), NO_HEADERS
        if self._tracer is not None and topic == VITALS:
            headers = sending(self._tracer, topic, partition, message.stay_id)
        await self.append(topic, partition, message.stay_id.encode(), message.to_bytes(), headers)

    async def send_raw(self, message: RawMessage) -> None:
        """Put bytes that need not be a message of the contracts into the batch of the partition they were meant for."""
        partition = partition_of(message.stay_id, self._partitions)
        await self.append(message.topic, partition, message.key, message.value)

    async def watermark(self, at: datetime) -> None:
        """Tell every partition of the EHR events that the feed is complete up to `at`."""
        value = Watermark(event_time=at).to_bytes()
        for partition in range(self._partitions):
            await self.append(EHR_EVENTS, partition, None, value)

    async def push(self) -> None:
        """Hand every batch to the producer, without waiting for its delivery.

        Raises:
            BrokerError: an earlier batch could not be delivered.
        """
        for place in list(self._batches):
            await self._hand_over(place)
        with _as_broker_error(self._brokers):
            while self._deliveries and self._deliveries[0].done():
                await self._deliveries.popleft()

    async def flush(self) -> None:
        """Hand every batch over and wait until all of them are delivered.

        Raises:
            BrokerError: one of them could not be.
        """
        await self.push()
        with _as_broker_error(self._brokers):
            while self._deliveries:
                await self._deliveries.popleft()

    async def settle(self) -> None:
        """Wait until nothing is under way any more, whatever became of it."""
        await asyncio.gather(*self._deliveries, return_exceptions=True)

    async def append(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = NO_HEADERS,
        stamp_ms: int | None = None,
    ) -> None:
        """Put a record into its partition's batch; a full batch goes out first. `stamp_ms`: its timestamp."""
        # Else the wall clock: brokers refuse or expire what carries the event time of a recording.
        stamp = int(time.time() * 1000) if stamp_ms is None else stamp_ms
        batch = self._batches.get((topic, partition))
        if (
            batch is not None
            and batch.append(key=key, value=value, timestamp=stamp, headers=list(headers)) is not None
        ):
            return
        if batch is not None:
            await self._hand_over((topic, partition))
        self._batches[topic, partition] = batch = self._producer.create_batch()
        if batch.append(key=key, value=value, timestamp=stamp, headers=list(headers)) is None:
            raise BrokerError(f"A message for {topic} is larger than {_BATCH_BYTES} bytes; send less in one.")

    async def _hand_over(self, place: tuple[str, int]) -> None:
        topic, partition = place
        batch = self._batches.pop(place)
        batch.close()
        with _as_broker_error(self._brokers):
            self._deliveries.append(await self._producer.send_batch(batch, topic, partition=partition))


@asynccontextmanager
async def open_sender(brokers: str, tracer: Tracer | None = None) -> AsyncIterator[Sender]:
    """A sender to `brokers`, which begins a trace with each window where there is a tracer; flush it before leaving.

    Raises:
        BrokerError: no Kafka answers there, or it lacks the topics.
    """
    partitions = await require_equal_topics(brokers, VITALS, EHR_EVENTS)
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers,
        enable_idempotence=True,
        max_batch_size=_BATCH_BYTES,
        request_timeout_ms=_DELIVERY_MS,
    )
    sender = Sender(producer, brokers, partitions, tracer)
    try:
        with _as_broker_error(brokers):
            await producer.start()
        yield sender
    finally:
        await producer.stop()
        await sender.settle()


@contextmanager
def _as_broker_error(brokers: str) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise BrokerError(
            f"Kafka at {brokers} took no more messages ({type(error).__name__}): see whether it still runs "
            "(`lemof broker status`) and start again."
        ) from None
