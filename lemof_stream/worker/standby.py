"""`lemof run --standby`: in memory, what opening the partitions of the other workers would have to read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from lemof_stream.contracts.topics import DEAD_LETTERS, EHR_FEATURES, SNAPSHOTS
from lemof_stream.telemetry import get_logger
from lemof_stream.worker.arrivals import Origin
from lemof_stream.worker.following import following

_log = get_logger(__name__)

_TOPICS: Final = (SNAPSHOTS, EHR_FEATURES, DEAD_LETTERS)
# Also how soon the loop hears that other partitions are to be followed.
_POLL_MS: Final = 500
_RETRY_S: Final = 1.0
# A worker takes EHR records within moments, or refuses them; by then it is settled which of a key's counts. One that
# lags farther behind is not followed exactly, and is restored from the topic.
_SETTLED_MS: Final = 60_000


class Held:
    """The records of one partition of a topic up to the offset `next`: of each key the last, and for a while those
    before it.

    Which one of a key counts depends on how far its owner has come and what it refused, which is known when the
    partition is opened.
    """

    def __init__(self, start: int, settled_ms: int) -> None:
        self.next = start
        self.bytes = 0
        self._settled_ms = settled_ms
        self._of_key: dict[bytes | None, list[ConsumerRecord]] = {}
        self._shortened: set[bytes | None] = set()

    def add(self, record: ConsumerRecord) -> None:
        """The next record of the partition."""
        own = self._of_key.setdefault(record.key, [])
        own.append(record)
        self.bytes += _size(record)
        while len(own) > 1 and own[1].timestamp <= record.timestamp - self._settled_ms:
            self.bytes -= _size(own.pop(0))
            self._shortened.add(record.key)
        if record.value is None and not self._settled_ms:
            self.bytes -= sum(map(_size, self._of_key.pop(record.key)))
            self._shortened.discard(record.key)

    def latest(
        self, stop: int | None, left_out: Callable[[Origin], bool]
    ) -> dict[bytes | None, ConsumerRecord] | None:
        """The last record of each key before the offset `stop`, of those that are not left out; None: that of a key is
        not held any more.
        """
        found: dict[bytes | None, ConsumerRecord] = {}
        for key, own in self._of_key.items():
            for record in reversed(own):
                before = stop is None or record.offset < stop
                if before and not left_out((record.topic, record.partition, record.offset)):
                    found[key] = record
                    break
            else:
                if key in self._shortened:
                    return None
        return found


class Standby:
    """Follows the snapshots, EHR features and dead letters of partitions that other workers have.

    What it holds is a prefix of each topic, from which a restore reads on; without it a restore reads from the
    beginning, and comes to the same.
    """

    def __init__(self, brokers: str, group: str, partitions: int) -> None:
        self._brokers = brokers
        self._own_keys = f"{group}|".encode()
        self._partitions = range(partitions)
        self._held: dict[TopicPartition, Held | None] = {}
        self._changed = asyncio.Event()

    @property
    def bytes(self) -> int:
        """Memory that it takes, but for what Python adds to each record."""
        return sum(held.bytes for held in list(self._held.values()) if held is not None)

    def held(self, place: TopicPartition) -> Held | None:
        """What is known of this partition of a topic."""
        return self._held.get(place)

    def follow(self, assigned: Collection[int]) -> None:
        """Follow all partitions but these from now on; what is held of these stays until they are dropped."""
        for partition in self._partitions:
            if partition not in assigned:
                for topic in _TOPICS:
                    self._held.setdefault(TopicPartition(topic, partition))
        self._changed.set()

    def drop(self, partition: int) -> None:
        """The partition has been opened here."""
        for topic in _TOPICS:
            self._held.pop(TopicPartition(topic, partition), None)
        self._changed.set()

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Follow meanwhile."""
        # A position that is gone is to be known: what is held is no prefix of the topic any more.
        async with following(
            "what a standby holds", self._follow, self._brokers, reset="none", retry_s=_RETRY_S
        ):
            yield

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        self._changed.set()  # the consumer before had other partitions, or none
        ends: dict[TopicPartition, int] = {}
        while True:
            if not self._held:
                await self._changed.wait()
            if self._changed.is_set():
                self._changed.clear()
                ends = await self._assign(consumer)
                continue
            try:
                fetched = await consumer.getmany(timeout_ms=_POLL_MS)
            except (
                OffsetOutOfRangeError
            ) as error:  # records were deleted before they were read, or the topic is new
                self._held.update(dict.fromkeys(self._held.keys() & error.args[0].keys()))
                self._changed.set()
                continue
            for place, records in fetched.items():
                self._take(place, records)
            if ends and all([await consumer.position(place) >= end for place, end in ends.items()]):
                partitions = sorted({place.partition for place in ends})
                _log.info("standby caught up", partitions=partitions, bytes=self.bytes)
                ends = {}

    async def _assign(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """Have the consumer read on where what is held ends; returns where the topics end by now."""
        places = list(self._held)
        if not places:
            return {}
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
        starts = await consumer.beginning_offsets(
            [place for place in places if self._held.get(place) is None]
        )
        consumer.assign(places)
        for place in places:
            if (held := self._held.get(place)) is None:
                held = Held(starts[place], _SETTLED_MS if place.topic == EHR_FEATURES else 0)
                if place in self._held:
                    self._held[place] = held
            consumer.seek(place, held.next)
        return ends

    def _take(self, place: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        held = self._held.get(place)
        if held is None:
            return
        for record in records:
            own = place.topic == EHR_FEATURES or (record.key or b"").startswith(self._own_keys)
            if own and record.offset >= held.next:
                held.add(replace(record, value=b"") if place.topic == DEAD_LETTERS else record)
        held.next = max(held.next, records[-1].offset + 1)


def _size(record: ConsumerRecord) -> int:
    return len(record.key or b"") + len(record.value or b"")
