import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Final, cast

from aiokafka import ConsumerRecord
from faust.types import TP

from lemof_stream.settings import Settings
from lemof_stream.worker.faust_app import App
from lemof_stream.worker.faust_consumer import TakenOffsets
from tests.waiting import wait_until_async

PARTITION: Final = TP("predictions.v1", 0)
END: Final = 6
DEADLINE_S: Final = 20.0


def record(offset: int) -> "ConsumerRecord[bytes, bytes]":
    return ConsumerRecord(
        topic=PARTITION.topic,
        partition=PARTITION.partition,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=b"",
        value=b"",
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=(),
    )


class Partition:
    """Stands where the consumer's thread does: a partition with messages, a place in it, and a committed offset."""

    def __init__(self, committed: int | None) -> None:
        self.committed = committed
        self.place = 0
        self.answers = asyncio.Event()  # a fetch waits for this before it reads
        self.fetches = 0

    async def getmany(self, active: set[TP], _: float) -> dict[TP, list[Any]]:
        self.fetches += 1
        await self.answers.wait()
        offsets, self.place = range(self.place, END), END
        return {tp: [record(offset) for offset in offsets] for tp in active}

    async def seek_to_committed(self) -> dict[TP, int | None]:
        self.place = self.committed or self.place
        return {PARTITION: self.committed}

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        return dict.fromkeys(partitions, 0)

    async def seek_wait(self, places: Mapping[TP, int]) -> None:
        self.place = places[PARTITION]


class Reading:
    """A consumer that reads a `Partition`, and the messages that it put on the queue of a stream."""

    def __init__(self, partition: Partition, blocked_at: int = END) -> None:
        app = App("test", Settings())
        app.topics.acking_topics.add(PARTITION.topic)
        self.consumer = cast("Any", app.consumer)
        self.consumer._thread.thread_loop.close()
        self.consumer._thread = partition
        self.consumer.callback = self._queue
        self.consumer.resume_partitions({PARTITION})
        self.blocked_at = blocked_at
        self.queued: list[Any] = []

    async def _queue(self, message: Any) -> None:
        if message.offset >= self.blocked_at:
            await asyncio.Event().wait()
        self.queued.append(message)

    @property
    def offsets(self) -> list[int]:
        return [message.offset for message in self.queued]

    def process(self) -> None:
        """Take what is queued as a stream does, and acknowledge it."""
        for message in self.queued:
            message.tracked = True
            self.consumer.ack(message)
        self.queued.clear()

    async def until(self, count: int) -> None:
        async def there() -> bool:
            return len(self.queued) >= count

        await wait_until_async(there, DEADLINE_S, f"{count} messages")


@asynccontextmanager
async def reading(partition: Partition, blocked_at: int = END) -> AsyncIterator[Reading]:
    read = Reading(partition, blocked_at)
    fetcher = asyncio.create_task(read.consumer._drain_messages(SimpleNamespace(should_stop=False)))
    yield read
    read.consumer._stopped.set()
    partition.answers.set()
    await asyncio.wait_for(fetcher, DEADLINE_S)


async def fetched(partition: Partition) -> None:
    async def begun() -> bool:
        return partition.fetches > 0

    await wait_until_async(begun, DEADLINE_S, "a fetch")


def test_what_is_committed_follows_what_was_taken_and_not_the_offsets() -> None:
    offsets = TakenOffsets()
    for offset in (4, 5, 9, 12):  # what lies in between is a transaction's marker, or was compacted away
        offsets.take(offset)

    offsets.acknowledge(5)
    assert offsets.advance() is None
    offsets.acknowledge(4)
    offsets.acknowledge(12)
    assert offsets.advance() == 6
    assert offsets.advance() is None
    offsets.acknowledge(9)
    assert offsets.advance() == 13


async def test_a_fetch_that_is_under_way_when_partitions_are_sought_is_taken_again() -> None:
    partition = Partition(committed=2)
    async with reading(partition) as read:
        await fetched(partition)
        seek = asyncio.create_task(read.consumer.perform_seek())
        await asyncio.sleep(0)
        partition.answers.set()
        await seek
        assert read.offsets == []

        read.consumer.resume_flow()
        await read.until(4)

        assert read.offsets == [2, 3, 4, 5]
        read.process()
        assert read.consumer._filter_committable_offsets(()) == {PARTITION: END}


async def test_a_delivery_that_a_seek_breaks_off_is_taken_again_and_not_committed_past() -> None:
    partition = Partition(committed=None)
    partition.answers.set()
    async with reading(partition, blocked_at=3) as read:
        await read.until(3)
        read.consumer.stop_flow()
        read.queued.pop(1)  # Faust empties its queues
        read.process()
        assert read.consumer._filter_committable_offsets(()) == {PARTITION: 1}

        partition.committed = 1
        await read.consumer.perform_seek()
        read.blocked_at = END
        read.consumer.resume_flow()
        await read.until(5)

        assert read.offsets == [1, 2, 3, 4, 5]


async def test_where_nothing_was_committed_a_seek_goes_to_the_beginning() -> None:
    partition = Partition(committed=None)
    partition.place = END
    async with reading(partition) as read:
        await read.consumer.perform_seek()

        assert partition.place == 0


async def test_a_message_that_a_stream_drops_is_not_acknowledged() -> None:
    partition = Partition(committed=None)
    partition.answers.set()
    async with reading(partition) as read:
        await read.until(END)
        for message in read.queued:
            assert not read.consumer.ack(message)

        assert read.consumer._filter_committable_offsets(()) == {}
