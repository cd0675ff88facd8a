"""The census of every ward, from the whole of the ward app's state.

A ward's stays lie in all partitions, so a process that has some of them cannot count it. Each process follows the
whole compacted state topic instead; the one that has its first partition publishes.
"""

import asyncio
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from lemof_stream.contracts.message import stay_of
from lemof_stream.contracts.topics import CENSUS, WARD_STATE
from lemof_stream.contracts.ward import Census, Departure, Outlook, read_ward_record
from lemof_stream.errors import MessageError
from lemof_stream.settings import Settings
from lemof_stream.telemetry import get_logger
from lemof_stream.worker.faust_app import App
from lemof_stream.worker.ward_fold import census

_EVERY_S: Final = 2.0
"""How often a census that changed is published: people look at it, and predictions change it many times a second."""

_log = get_logger(__name__)


class CensusTaker:
    """Follows the state topic and publishes what changed."""

    def __init__(self, app: App, settings: Settings, partitions: int) -> None:
        self._app = app
        self._topic = app.raw_topic(CENSUS)
        self._brokers = settings.brokers.split(",")
        self._partitions = [TopicPartition(WARD_STATE, partition) for partition in range(partitions)]
        self._outlooks: dict[bytes, Outlook] = {}
        self._departures: dict[str, Departure] = {}
        self._published: dict[str, Census] = {}

    async def run(self) -> None:
        """Follow and publish until cancelled."""
        async with AIOKafkaConsumer(
            bootstrap_servers=self._brokers, auto_offset_reset="earliest", enable_auto_commit=False
        ) as consumer:
            consumer.assign(self._partitions)
            for partition, end in (await consumer.end_offsets(self._partitions)).items():
                while await consumer.position(partition) < end:  # half of the past is no census
                    await self._take(consumer)
            published_at = 0.0
            while True:
                await self._take(consumer)
                if (now := asyncio.get_running_loop().time()) - published_at >= _EVERY_S:
                    published_at = now
                    await self._publish()

    async def _take(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=int(_EVERY_S * 1000))).values():
            for record in records:
                self._remember(record)

    def _remember(self, record: ConsumerRecord) -> None:
        if record.value is None:  # the tombstone of a stay that left long ago
            self._outlooks.pop(record.key, None)
            self._departures.pop(stay_of(record.key), None)
            return
        try:
            known = read_ward_record(record.value)
        except MessageError as error:
            _log.warning(
                "ward state skipped", detail=str(error), partition=record.partition, offset=record.offset
            )
            return
        if isinstance(known, Departure):
            self._departures[known.stay_id] = known
        else:
            self._outlooks[record.key] = known

    async def _publish(self) -> None:
        if self._partitions[0] not in self._app.consumer.assignment():
            self._published.clear()  # whoever has it may have published anything since
            return
        for ward, taken in census(self._outlooks.values(), self._departures).items():
            if self._published.get(ward) != taken:
                await self._topic.send(key=ward.encode(), value=taken.to_bytes())
                self._published[ward] = taken
