"""Predictions as an asynchronous iterator."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Final, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from lemof_stream.broker.admin import require_topics
from lemof_stream.broker.stopping import stop_client
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import PREDICTIONS, SHADOW_PREDICTIONS
from lemof_stream.errors import MessageError

_WAIT_S: Final = 1.0  # the longest wait for records; only a bound, they are handed out as they come

_log = logging.getLogger(__name__)


class Received(NamedTuple):
    """A prediction and the bytes that it came as."""

    prediction: Prediction
    value: bytes


class PredictionStream:
    """The predictions on a Kafka, committed ones only, from now on or from the beginning.

        async with PredictionStream("127.0.0.1:9092", final_only=True) as stream:
            async for prediction in stream:
                ...

    Every stream gets all of them: it belongs to no consumer group and commits nothing. The order holds within a stay.
    A message that cannot be read is skipped, logged, and counted in `skipped`.

    Args:
        brokers: `host:port`, several parted by commas.
        stay: only this stay.
        ward: only this ward.
        final_only: only predictions of closed steps.
        from_beginning: everything that the topic keeps first, then what comes; else only what comes.
        until_idle: end after so many seconds without a message on the topic; None goes on for ever.
        shadow: those of models that run beside the one in charge, for comparison; nobody is to act on them.

    Raises:
        BrokerError: on entering: no Kafka answers, or it has no predictions topic.
    """

    def __init__(
        self,
        brokers: str = "127.0.0.1:9092",
        *,
        stay: str | None = None,
        ward: str | None = None,
        final_only: bool = False,
        from_beginning: bool = False,
        until_idle: float | None = None,
        shadow: bool = False,
    ) -> None:
        self.skipped = 0
        self._brokers = brokers
        self._stay = stay
        self._ward = ward
        self._final_only = final_only
        self._from_beginning = from_beginning
        self._until_idle = until_idle
        self._topic = SHADOW_PREDICTIONS if shadow else PREDICTIONS
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        partitions = (await require_topics(self._brokers, self._topic))[self._topic]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._brokers.split(","),
            isolation_level="read_committed",
            auto_offset_reset="earliest" if self._from_beginning else "latest",
            enable_auto_commit=False,
        )
        await self._consumer.start()
        assignment = [TopicPartition(self._topic, partition) for partition in range(partitions)]
        self._consumer.assign(assignment)
        for partition in assignment:  # "now" is when the caller enters, not when it first asks
            await self._consumer.position(partition)
        return self

    async def __aexit__(self, *_: object) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_client(consumer)

    async def __aiter__(self) -> AsyncIterator[Prediction]:
        async for batch in self.batches():
            for received in batch:
                yield received.prediction

    async def batches(self) -> AsyncIterator[list[Received]]:
        """What one answer of the broker brought, filtered, as lists that may not be empty."""
        if self._consumer is None:
            raise RuntimeError("enter the stream first: async with PredictionStream(...) as stream")
        loop = asyncio.get_running_loop()
        heard_at = loop.time()
        while (left := self._left(loop.time() - heard_at)) > 0:
            fetched = await self._consumer.getmany(timeout_ms=int(left * 1000) + 1)
            if not fetched:
                continue
            batch = [
                received
                for records in fetched.values()
                for record in records
                if (received := self._read(record)) is not None and self._matches(received.prediction)
            ]
            if batch:
                yield batch
            heard_at = loop.time()

    def _left(self, idle_s: float) -> float:
        return _WAIT_S if self._until_idle is None else min(_WAIT_S, self._until_idle - idle_s)

    def _read(self, record: ConsumerRecord) -> Received | None:
        if record.value is None:  # the tombstone of a stay that left
            return None
        try:
            return Received(Prediction.from_bytes(record.value), record.value)
        except MessageError as error:
            self.skipped += 1
            _log.warning("skipped partition %d offset %d: %s", record.partition, record.offset, error)
            return None

    def _matches(self, prediction: Prediction) -> bool:
        return (
            (self._stay is None or prediction.stay_id == self._stay)
            and (self._ward is None or prediction.ward == self._ward)
            and (not self._final_only or prediction.kind == "final")
        )
