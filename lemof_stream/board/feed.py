"""Fills the board's state from Kafka."""

import asyncio
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from lemof_stream.board.beds import Beds
from lemof_stream.broker.admin import require_topics
from lemof_stream.client import PredictionStream
from lemof_stream.contracts.message import stay_of
from lemof_stream.contracts.topics import ALERTS, CENSUS, PREDICTIONS, WARD_STATE
from lemof_stream.contracts.ward import Alert, Census, Departure, read_ward_record
from lemof_stream.errors import MessageError
from lemof_stream.telemetry import get_logger

TOPICS: Final = (PREDICTIONS, ALERTS, CENSUS, WARD_STATE)
_WAIT_MS: Final = 1_000  # the longest wait for records; only a bound, they are handed out as they come

_log = get_logger(__name__)


class Feed:
    """Follows predictions, alerts, departures and the census from the beginning of their topics."""

    def __init__(self, brokers: str) -> None:
        self.beds = Beds()
        self._brokers = brokers
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            BrokerError: no Kafka answers, or a topic is missing.
        """
        topics = await require_topics(self._brokers, *TOPICS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_predictions())
            tasks.create_task(
                self._follow_ward({name: topics[name] for name in TOPICS if name != PREDICTIONS})
            )

    async def beyond(self, version: int) -> None:
        """Wait until the state is newer than `version`."""
        while self.beds.version <= version:
            await self._changed.wait()

    async def _follow_predictions(self) -> None:
        async with PredictionStream(self._brokers, from_beginning=True) as stream:
            async for batch in stream.batches():
                for received in batch:
                    self.beds.take_prediction(received.prediction)
                self._tell()

    async def _follow_ward(self, topics: dict[str, int]) -> None:
        async with AIOKafkaConsumer(
            bootstrap_servers=self._brokers.split(","), auto_offset_reset="earliest", enable_auto_commit=False
        ) as consumer:
            consumer.assign(
                [TopicPartition(name, part) for name, parts in topics.items() for part in range(parts)]
            )
            while True:
                fetched = await consumer.getmany(timeout_ms=_WAIT_MS)
                for records in fetched.values():
                    for record in records:
                        self._take(record)
                if fetched:
                    self._tell()

    def _take(self, record: ConsumerRecord) -> None:
        if record.value is None:
            if record.topic == WARD_STATE:
                self.beds.forget(stay_of(record.key or b""))
            return
        take: dict[str, Callable[[bytes], None]] = {
            ALERTS: lambda value: self.beds.take_alert(Alert.from_bytes(value)),
            CENSUS: lambda value: self.beds.take_census(Census.from_bytes(value)),
            WARD_STATE: self._take_ward_record,
        }
        try:
            take[record.topic](record.value)
        except MessageError as error:
            _log.warning("skipped", topic=record.topic, offset=record.offset, detail=str(error))

    def _take_ward_record(self, value: bytes) -> None:
        record = read_ward_record(value)
        if isinstance(record, Departure):
            self.beds.take_departure(record)

    def _tell(self) -> None:
        self.beds.sweep()
        self._changed.set()
        self._changed = asyncio.Event()
