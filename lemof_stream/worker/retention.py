"""Tombstones for stays that were discharged `retention` ago: their predictions first, then their EHR features.

Nothing is remembered for it. Which stays are over the EHR app's table tells, which keys their predictions have the
topics tell; and as the stay's own record goes last, a process that is killed in between leaves the rest to the next.
A tombstone that is written twice is one. No runner writes of such a stay any more: every group has passed the end of
its retention, which is long after the runners let it go, and none would read a window of it again to recover.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faust.types import FutureMessage, TopicT

from lemof_stream.broker.admin import admin_client
from lemof_stream.contracts.ehr import StayRecord, Watermark
from lemof_stream.contracts.message import stay_of
from lemof_stream.contracts.topics import EHR_EVENTS, PREDICTIONS, SHADOW_PREDICTIONS, VITALS, partition_of
from lemof_stream.errors import BrokerError, MessageError
from lemof_stream.settings import Settings
from lemof_stream.telemetry import get_logger
from lemof_stream.worker.committed import notes_of_runners
from lemof_stream.worker.ehr_fold import stay_key, watermark_key
from lemof_stream.worker.faust_app import App, Table
from lemof_stream.worker.reading import range_reader, read_range

_TOPICS: Final = (PREDICTIONS, SHADOW_PREDICTIONS)
# Between looks at how far the feeds have come. While stays wait for runners to pass, each asks Kafka a few questions.
_LOOK_EVERY_S: Final = 5.0
# Event time between two searches of a partition: each reads all of its predictions.
_SEARCH_EVERY: Final = timedelta(days=1)
# Bounds what waits for the broker: some 200 KB.
_AT_ONCE: Final = 2_000

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Over:
    """Stays of a partition whose retention is over, each with the record that says so, and where its vital windows
    ended when they were found: from there on there are none of them.
    """

    records: dict[str, bytes]
    windows: int


class Retention:
    """Ends what is kept of discharged stays in the partitions that this process has."""

    def __init__(self, app: App, features: Table, settings: Settings, partitions: int) -> None:
        self._app = app
        self._features = features
        self._brokers = settings.brokers
        self._partitions = partitions
        self._kept = timedelta(days=settings.retention_days)
        self._topics = {name: app.raw_topic(name) for name in _TOPICS}
        self._searched: dict[int, datetime] = {}
        self._over: dict[int, _Over] = {}

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for partition in self._own():
                try:
                    await self._look(partition)
                except (KafkaError, BrokerError, TimeoutError) as error:
                    _log.warning(
                        "stays whose retention is over wait for Kafka",
                        partition=partition,
                        error=type(error).__name__,
                    )
                except Exception:  # noqa: BLE001 - whatever it is, events are not to wait for it
                    _log.exception("stays whose retention is over are kept", partition=partition)

    def _own(self) -> list[int]:
        """The partitions whose records are in the table."""
        if not self._app.settled:
            return []
        assigned = self._app.consumer.assignment()
        return sorted(place.partition for place in assigned if place.topic == EHR_EVENTS)

    async def _look(self, partition: int) -> None:
        value = self._features.data.get(watermark_key(partition))
        if value is None:
            return
        now = Watermark.from_bytes(value).event_time
        searched = self._searched.get(partition)
        if partition not in self._over and (searched is None or now - searched >= _SEARCH_EVERY):
            if records := self._find(partition, now):
                self._over[partition] = _Over(records, await self._end_of_windows(partition))
                _log.info(
                    "stays are over that runners may have to pass", partition=partition, stays=len(records)
                )
            self._searched[partition] = now
        over = self._over.get(partition)
        if over is not None and await self._runners_are_past(partition, over):
            await self._end(partition, over)
            del self._over[partition]

    def _find(self, partition: int, now: datetime) -> dict[str, bytes]:
        return {
            record.stay_id: value
            for record, value in self._stays(partition)
            if record.discharged_at is not None and record.discharged_at + self._kept <= now
        }

    def _stays(self, partition: int) -> Iterator[tuple[StayRecord, bytes]]:
        for key, value in self._features.data.items():
            stay_id, _, what = key.decode().partition("|")
            if what != "stay" or partition_of(stay_id, self._partitions) != partition:
                continue
            try:
                yield StayRecord.from_bytes(value), value
            except MessageError:  # of a later version, which will know when it is over
                continue

    async def _end_of_windows(self, partition: int) -> int:
        place = TopicPartition(VITALS, partition)
        async with range_reader(self._brokers) as consumer:
            end: int = (await consumer.end_offsets([place]))[place]
            return end

    async def _runners_are_past(self, partition: int, over: _Over) -> bool:
        async with admin_client(self._brokers) as admin:
            notes = await notes_of_runners(admin, partition)
        found = [StayRecord.from_bytes(value).discharged_at for value in over.records.values()]
        until = max(at for at in found if at is not None) + self._kept
        return all(
            note.clock is not None and note.clock >= until and note.replay_from >= over.windows
            for note in notes
        )

    async def _end(self, partition: int, over: _Over) -> None:
        stays = {
            stay_id
            for stay_id, value in over.records.items()
            if self._features.data.get(stay_key(stay_id)) == value  # else it was corrected meanwhile
        }
        count = 0
        async with range_reader(self._brokers) as consumer:
            for topic in _TOPICS:
                keys = await _keys_of(consumer, TopicPartition(topic, partition), stays)
                await _all(keys, partial(_tombstone, self._topics[topic], partition))
                count += len(keys)
        own = [key for key in self._features.data if stay_of(key) in stays]
        records = {stay_key(stay_id) for stay_id in stays}
        erase = partial(self._features.erase, partition)
        await _all([key for key in own if key not in records], erase)
        await _all(records, erase)
        _log.info("retention is over", partition=partition, stays=len(stays), predictions=count)


async def _keys_of(consumer: AIOKafkaConsumer, place: TopicPartition, stays: Collection[str]) -> set[bytes]:
    """The keys of these stays' predictions that hold something."""
    found: set[bytes] = set()
    start = (await consumer.beginning_offsets([place]))[place]
    async for record in read_range(consumer, place, start):
        if record.key is not None and stay_of(record.key) in stays:
            (found.discard if record.value is None else found.add)(record.key)
    return found


def _tombstone(topic: TopicT, partition: int, key: bytes) -> FutureMessage:
    return topic.send_soon(key=key, value=None, partition=partition, eager_partitioning=True)


async def _all(keys: Collection[bytes], send: Callable[[bytes], FutureMessage]) -> None:
    """Send for every key, and wait until the broker has all of it."""
    waiting = list(keys)
    for start in range(0, len(waiting), _AT_ONCE):
        await asyncio.gather(*(send(key) for key in waiting[start : start + _AT_ONCE]))
