"""The lanes of this process: how partitions are opened, kept over a rebalance, and closed."""

import asyncio
import time
from collections.abc import Collection, Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from lemof_stream.broker.stopping import stop_client
from lemof_stream.runner.runner import Runner
from lemof_stream.settings import Settings
from lemof_stream.telemetry import get_logger
from lemof_stream.worker.clients import partition_producer
from lemof_stream.worker.committed import Resume, committed_offsets, resume_point
from lemof_stream.worker.lane import Lane
from lemof_stream.worker.quarantine import Quarantine
from lemof_stream.worker.restore import Restore, Restored

_log = get_logger(__name__)

# Starting a producer waits for the former owner's transaction to end, some 100 ms.
_OPEN_S: Final = 30.0
# Windows replayed between two looks whether it was called off, some 0.1 s.
_REPLAYED_AT_ONCE: Final = 2_000


class Lanes(dict[int, Lane]):
    """The open lanes by partition.

    A rebalance parts all partitions anew, and most come back to who had them. So their lanes are kept aside, producer
    and state, until it is over. A lane goes on only if its group has committed nothing else meanwhile: whoever had the
    partition in between took windows, and has fenced the producer.
    """

    def __init__(self, settings: Settings, partitions: int, restore: Restore) -> None:
        super().__init__()
        self._settings = settings
        self._partitions = partitions
        self._restore = restore
        self._kept: dict[int, Lane] = {}
        self._consumer: AIOKafkaConsumer
        self._admin: AIOKafkaAdminClient

    def joined(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        """The clients of a new membership of the group."""
        self._consumer, self._admin = consumer, admin

    def keep(self) -> None:
        """A rebalance has begun: nothing is open until it is over."""
        self._kept.update(self)
        self.clear()

    async def keep_only(self, runner: Runner, assigned: Collection[int]) -> None:
        """The rebalance is over: the other partitions are somebody else's."""
        await self._let_go(runner, [self._kept.pop(p) for p in self._kept.keys() - set(assigned)])

    def kept(self, partition: int) -> bool:
        """Whether the partition's lane was kept."""
        return partition in self._kept

    def hold_back(self) -> None:
        """Fetch no more of what already waits in memory, once that is as much as a cycle may take."""
        paused = self._consumer.paused()
        most = max(self._settings.cycle_max // max(sum(lane.holds for lane in self.values()), 1), 1)
        for lane in self.values():
            if lane.overrun:
                continue
            for place in lane.places:
                full = lane.held(place.topic) >= most
                if full and place not in paused:
                    self._consumer.pause(place)
                elif not full and place in paused:
                    self._consumer.resume(place)

    async def close(self, runner: Runner, partitions: Iterable[int]) -> None:
        """Forget lanes and their state; those that are still ours are opened anew by the loop."""
        lanes = [self.pop(partition) for partition in list(partitions) if partition in self]
        await self._let_go(runner, lanes)
        mine = self._consumer.assignment()
        for lane in lanes:
            self._consumer.pause(*(place for place in lane.places if place in mine))

    async def close_all(self, runner: Runner) -> None:
        """Forget everything, what was kept aside too."""
        kept, self._kept = list(self._kept.values()), {}
        await self._let_go(runner, kept)
        await self.close(runner, list(self))

    async def open(self, runner: Runner, partition: int, quarantine: Quarantine) -> None:
        """Go on with the partition's kept lane, or fence its former owner and restore its state.

        Raises:
            PoisonError: the runner broke on an input.
            InterruptedReadError: the partition is being taken away again.
            KafkaError, TimeoutError: it cannot be had yet.
        """
        began = time.monotonic()
        lane = self._kept.pop(partition, None)
        if lane is not None and not await self._goes_on(lane):
            await self._let_go(runner, [lane])
            lane = None
        if kept := lane is not None:
            restored, first = Restored(stays=len(runner.stays(partition))), lane.next_window
        else:
            lane, restored, first = await self._restored(runner, partition, quarantine)
        self[partition] = lane
        quarantine.clear(self)
        for place in lane.places:
            self._consumer.seek(place, lane.reached[place.topic])
            self._consumer.resume(place)
        _log.info(
            "partition opened",
            partition=partition,
            kept=kept,
            next_window=lane.next_window,
            replayed=lane.next_window - first,
            read=restored.read,
            from_standby=restored.from_standby,
            stays=restored.stays,
            seconds=round(time.monotonic() - began, 3),
        )

    async def _goes_on(self, lane: Lane) -> bool:
        """Whether what the group has committed is where the kept lane is."""
        try:
            committed = await committed_offsets(self._admin, self._settings.group, list(lane.places))
        except KafkaError:
            return False
        offsets = tuple(committed[place].offset for place in lane.places)
        # Nothing at all is committed before the first cycle of a group.
        return not lane.overrun and offsets in {lane.committed, (-1, -1)}

    async def _restored(
        self, runner: Runner, partition: int, quarantine: Quarantine
    ) -> tuple[Lane, Restored, int]:
        """A lane whose state is that of the committed offsets, and the first window that was replayed for it."""
        producer = partition_producer(self._settings, partition)
        try:
            async with asyncio.timeout(_OPEN_S):
                await producer.start()
                resume: Resume = await resume_point(
                    self._admin, self._consumer, self._settings.group, partition
                )
            lane = Lane(
                partition,
                producer,
                self._settings,
                partitions=self._partitions,
                next_window=resume.next_window,
                next_feature=resume.next_feature,
                clock=resume.clock,
            )
            restored = await self._restore.lane(
                runner,
                lane,
                resume.replay_from,
                chunk=quarantine.chunk(partition, min(self._settings.cycle_max, _REPLAYED_AT_ONCE)),
                poisoned=quarantine.poisoned,
            )
        except BaseException:
            runner.release(partition)
            await stop_client(producer)
            raise
        return lane, restored, resume.replay_from

    @staticmethod
    async def _let_go(runner: Runner, lanes: Collection[Lane]) -> None:
        await asyncio.gather(*(stop_client(lane.producer) for lane in lanes))
        for lane in lanes:
            runner.release(lane.partition)
