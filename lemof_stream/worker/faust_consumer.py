"""How the Faust apps read: what is taken from Kafka is processed before an offset beyond it is committed.

Faust loses messages where an assignment begins. While it seeks the partitions to their committed offsets its fetcher
goes on; then it empties its queues. What was fetched before the seek moves its place past what the seek brings again,
which it drops as read; what was queued in between is gone; and the offsets of later messages are committed over both.

Three rules replace its bookkeeping here:

- No seek and no fetch run at the same time, so everything fetched lies before a seek or after it.
- Whatever was fetched before the flow was last stopped is dropped. The flow is stopped when an assignment ends or
  begins, and while partitions are sought: after every stop, and before they flow again, all of them are sought.
- An offset is committed when everything taken before it since the last seek is acknowledged.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any, Final, cast

from aiokafka.errors import ConsumerStoppedError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.utils.futures import notify

_FETCH_WAIT_MS: Final = 100
"""Faust has 1,500: a partition whose reading begins waits for the answer to the fetch that runs without it."""

_FETCH_S: Final = 0.2
"""Longest that a fetch waits for messages, and so a seek for the fetch. Five idle rounds a second cost nothing."""

_PAUSE_S: Final = 0.05
"""Between looks at whether there is anything to fetch from: the flow is stopped, or the queues are full."""


class TakenOffsets:
    """The offsets of a partition that were taken since its last seek, and which of them are acknowledged.

    What was taken is remembered because offsets alone do not tell: transactions and compaction leave gaps.
    """

    def __init__(self) -> None:
        self._taken: deque[int] = deque()
        self._acknowledged: set[int] = set()

    @property
    def open(self) -> int:
        """How many are not acknowledged yet."""
        return len(self._taken) - len(self._acknowledged)

    def take(self, offset: int) -> None:
        self._taken.append(offset)

    def acknowledge(self, offset: int) -> None:
        self._acknowledged.add(offset)

    def advance(self) -> int | None:
        """The offset to commit; None if nothing was acknowledged that lets it move on."""
        last = None
        while self._taken and self._taken[0] in self._acknowledged:
            last = self._taken.popleft()
            self._acknowledged.remove(last)
        return None if last is None else last + 1


class Consumer(driver.Consumer):
    """Faust's, with its own way from Kafka to the streams and to the committed offsets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._place = asyncio.Lock()  # held by whoever fetches or seeks
        self._stops = 0
        self.assigned = False  # at least once
        self.acknowledged = 0
        self._taken: defaultdict[TP, TakenOffsets] = defaultdict(TakenOffsets)
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> "_ConsumerThread":
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def stop_flow(self) -> None:
        self._stops += 1
        super().stop_flow()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Faust leaves the flow of a process that had no partitions running while their tables are read."""
        self.stop_flow()
        self._taken.clear()
        self.assigned = True
        await super().on_partitions_assigned(assigned, generation_id)

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                # a queue that empties makes its partition active, paused or not
                partitions = self._get_active_partitions() - self._paused_partitions
                if self.flow_active and partitions:
                    await self._take_round(partitions)
                else:
                    await self.sleep(_PAUSE_S)
        except (asyncio.CancelledError, ConsumerStoppedError):
            if not self.app.should_stop:
                raise

    async def _take_round(self, partitions: set[TP]) -> None:
        stops = self._stops
        async with self._place:
            records = await self._getmany(partitions, _FETCH_S)
        # a stream with a full queue blocks the delivery, which a stop must end
        await self.wait_first(self._deliver(records, stops), self.suspend_flow.wait())

    async def _deliver(self, records: Mapping[TP, list[Any]], stops: int) -> None:
        for tp, record in self.scheduler.iterate(records):
            if stops != self._stops:
                return
            if self.app.topics.acks_enabled_for(tp.topic):
                self._taken[tp].take(record.offset)
            await self.callback(self._to_message(tp, record))
            await asyncio.sleep(0)  # the streams work while the rest is queued

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        async with self._place:
            await super().seek_wait(partitions)

    async def perform_seek(self) -> None:
        """Seek to what is committed, and to the beginning where nothing is; Faust lets the partitions flow afterwards.

        Raises:
            TimeoutError: Kafka did not answer. Faust's own deadline, twice as long, would go on without the seek.
        """
        self.stop_flow()
        async with asyncio.timeout(self.app.conf.broker_request_timeout / 2), self._place:
            committed = {ensure_TP(tp): offset for tp, offset in (await self.seek_to_committed()).items()}
            fresh = [
                tp
                for tp, offset in committed.items()
                if not offset and self.app.topics.acks_enabled_for(tp.topic)
            ]
            if fresh:
                await super().seek_wait(await self.earliest_offsets(*fresh))
        self._taken.clear()

    async def lag(self, tp: TP) -> int | None:
        """Records that Kafka gives out and that were not acknowledged; None before a fetch has come back."""
        waiting = await cast("_ConsumerThread", self._thread).lag(tp)
        return None if waiting is None else waiting + self._taken[tp].open

    def ack(self, message: Any) -> bool:
        """Where a stream drops a message without processing it, Faust calls this with one that is not tracked."""
        if not message.tracked or message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        self._taken[message.tp].acknowledge(message.offset)
        self.acknowledged += 1
        notify(self._waiting_for_ack)
        return True

    def _filter_committable_offsets(self, _: object) -> dict[TP, int]:
        found = {tp: offsets.advance() for tp, offsets in self._taken.items()}
        return {tp: offset for tp, offset in found.items() if offset is not None}


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    async def lag(self, tp: TP) -> int | None:
        """Records behind the position; those of open transactions do not count."""
        lag: int | None = await self.call_thread(self._lag, tp)
        return lag

    async def _lag(self, tp: TP) -> int | None:
        consumer = self._ensure_consumer()
        end = consumer.last_stable_offset(tp)
        return None if end is None or end < 0 else max(0, end - await consumer.position(tp))

    def _create_worker_consumer(self, transport: Any) -> Any:
        """The runner writes in transactions; Faust's own setting for reading what is committed is tied to its
        exactly-once mode, so it is set here, before the consumer starts.
        """
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS  # noqa: SLF001
        return consumer


class Transport(driver.Transport):
    """Makes the consumer above."""

    Consumer = Consumer
