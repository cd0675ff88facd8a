"""Restores the state of a partition: its snapshots, and silently what came after them."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Container, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from lemof_stream.contracts.ehr import StayRecord
from lemof_stream.contracts.topics import DEAD_LETTERS, EHR_FEATURES, SNAPSHOTS, VITALS
from lemof_stream.errors import CheckpointError
from lemof_stream.runner.cycle import EhrInput, WindowInput
from lemof_stream.runner.runner import Runner
from lemof_stream.telemetry import get_logger, pseudonym
from lemof_stream.worker.arrivals import Arrival, Origin, read_arrival
from lemof_stream.worker.cycle import poisoned_by
from lemof_stream.worker.lane import Lane
from lemof_stream.worker.letters import letter_origin
from lemof_stream.worker.merge import AT_ONCE
from lemof_stream.worker.reading import InterruptedReadError, range_reader, read_range
from lemof_stream.worker.standby import Standby

_log = get_logger(__name__)

# Some MB: a stay that is rebuilt may have a week of windows, and its neighbours' lie between them.
_WINDOWS_AT_ONCE: Final = 4_000


class Restored(NamedTuple):
    """What opening a partition took: how many stays it has, and how many records of the compacted topics and the dead
    letters were read for that or, of a standby, at hand.
    """

    stays: int
    read: int = 0
    from_standby: int = 0


@dataclass(frozen=True, slots=True)
class Restore:
    """What every restore of this process has in common."""

    brokers: str
    group: str
    partitions: int
    executor: Executor
    called_off: Callable[[], bool]
    standby: Standby | None

    async def lane(
        self, runner: Runner, lane: Lane, replay_from: int, *, chunk: int, poisoned: Container[Origin]
    ) -> Restored:
        """Bring the runner's stays of this lane to where its committed offsets say.

        EHR records below the committed offset and windows from `replay_from` up to it were taken before: they are
        taken again, merged as they were, and what the runner answers is thrown away. Inputs that a snapshot already
        holds are duplicates to it. What has a dead letter is left out: it never became part of the state, and in this
        order a late record might. A stay whose snapshot cannot be used is rebuilt from all windows that are kept.

        Raises:
            PoisonError: the runner broke on an input.
            InterruptedReadError: the partition is being taken away again.
        """
        partition = lane.partition
        loop = asyncio.get_running_loop()
        async with range_reader(self.brokers) as consumer:
            source = _Source(consumer, self.standby, self.called_off)
            refused = await self._refused(source, partition)

            def left_out(origin: Origin) -> bool:
                return origin in refused or origin in poisoned

            snapshots = await source.latest(TopicPartition(SNAPSHOTS, partition), None, left_out)
            ehr = await source.latest(TopicPartition(EHR_FEATURES, partition), lane.next_feature, left_out)
            lost = await loop.run_in_executor(self.executor, self._snapshots, runner, partition, snapshots)
            arrivals = await loop.run_in_executor(self.executor, self._read, ehr)
            lane.ehr_reached(max((arrival.progress for arrival in arrivals), default=AT_ONCE))
            inputs = _of_present(runner, lane, arrivals)
            waiting = deque(sorted(inputs, key=lambda arrival: arrival.time))
            async for windows in self._windows(consumer, lane, replay_from, lost, left_out):
                merged = await loop.run_in_executor(self.executor, self._in_order, windows, waiting)
                await self._replay(runner, lane, merged, chunk)
        await self._replay(runner, lane, list(waiting), chunk)
        if lane.clock is not None:
            await loop.run_in_executor(self.executor, runner.advance, partition, lane.clock)
        return Restored(len(runner.stays(partition)), source.read, source.from_standby)

    async def _refused(self, source: "_Source", partition: int) -> set[Origin]:
        """Inputs that this group wrote dead letters about: they lie in the partition of their inputs."""
        inputs = {VITALS, EHR_FEATURES}
        letters = source.keys(TopicPartition(DEAD_LETTERS, partition))
        origins = [letter_origin(key, self.group, inputs) async for key in letters]
        return {origin for origin in origins if origin is not None}

    def _snapshots(self, runner: Runner, partition: int, records: Sequence[ConsumerRecord]) -> set[bytes]:
        """Restore this group's; returns the ids of the stays whose snapshot cannot be used.

        Such a snapshot gets no dead letter: to redrive one would put it over a newer snapshot of its stay.
        """
        runner.release(partition)
        prefix = f"{self.group}|".encode()
        lost: set[bytes] = set()
        # several groups share the topic
        own = [record for record in records if (record.key or b"").startswith(prefix)]
        runner.reserve(len(own))
        for record in own:
            try:
                runner.restore(partition, record.value)
            except CheckpointError as error:
                stay_id = record.key[len(prefix) :]
                lost.add(stay_id)
                _log.error(
                    "a snapshot cannot be used: its stay is rebuilt from the windows that are still kept",
                    stay=pseudonym(stay_id.decode(errors="replace")),
                    partition=partition,
                    offset=record.offset,
                    detail=str(error),
                )
        return lost

    async def _windows(
        self,
        consumer: AIOKafkaConsumer,
        lane: Lane,
        replay_from: int,
        lost: Collection[bytes],
        left_out: Callable[[Origin], bool],
    ) -> AsyncIterator[list[ConsumerRecord]]:
        """The windows to be replayed, some at a time: of lost stays all that are kept, of the others the last."""
        place = TopicPartition(VITALS, lane.partition)
        start = (await consumer.beginning_offsets([place]))[place] if lost else replay_from
        windows: list[ConsumerRecord] = []
        async for record in read_range(consumer, place, start, lane.next_window, self.called_off):
            if record.offset < replay_from and record.key not in lost:
                continue
            if not left_out((VITALS, lane.partition, record.offset)):
                windows.append(record)
            if len(windows) == _WINDOWS_AT_ONCE:
                yield windows
                windows = []
        yield windows

    async def _replay(self, runner: Runner, lane: Lane, arrivals: Sequence[Arrival], chunk: int) -> None:
        loop = asyncio.get_running_loop()
        for start in range(0, len(arrivals), chunk):
            if self.called_off():
                raise InterruptedReadError
            await loop.run_in_executor(
                self.executor, _take_again, runner, lane, arrivals[start : start + chunk]
            )

    def _in_order(self, windows: Sequence[ConsumerRecord], ehr: deque[Arrival]) -> list[Arrival]:
        read = self._read(windows)
        return list(in_event_time([arrival for arrival in read if arrival.input is not None], ehr))

    def _read(self, records: Sequence[ConsumerRecord]) -> list[Arrival]:
        return [read_arrival(record, self.partitions) for record in records]


@dataclass(slots=True)
class _Source:
    """Where a restore has records from: what a standby holds, and the topics from there on."""

    consumer: AIOKafkaConsumer
    standby: Standby | None
    called_off: Callable[[], bool]
    read: int = 0
    from_standby: int = 0

    async def latest(
        self, place: TopicPartition, stop: int | None, left_out: Callable[[Origin], bool]
    ) -> list[ConsumerRecord]:
        """The last record of every key of a compacted topic before `stop`, of those that are not left out."""
        latest, start = await self._at_hand(place, stop, left_out)
        async for record in read_range(self.consumer, place, start, stop, self.called_off):
            self.read += 1
            if not left_out((*place, record.offset)):
                latest[record.key] = record
        return [record for record in latest.values() if record.value is not None]

    async def keys(self, place: TopicPartition) -> AsyncIterator[bytes | None]:
        """The keys of all records of a topic."""
        at_hand, start = await self._at_hand(place, None, lambda _: False)
        for key in at_hand:
            yield key
        async for record in read_range(self.consumer, place, start, None, self.called_off):
            self.read += 1
            yield record.key

    async def _at_hand(
        self, place: TopicPartition, stop: int | None, left_out: Callable[[Origin], bool]
    ) -> tuple[dict[bytes | None, ConsumerRecord], int]:
        """What need not be read, and the offset to read from."""
        held = None if self.standby is None else self.standby.held(place)
        if held is not None:
            known, start = held.latest(stop, left_out), held.next
            end = (await self.consumer.end_offsets([place]))[place]
            if known is not None and start <= end:  # else the topic is another one than it was
                self.from_standby += len(known)
                return known, start
        return {}, (await self.consumer.beginning_offsets([place]))[place]


def _of_present(runner: Runner, lane: Lane, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """The EHR inputs of the stays that had not left by the time that the lane had come to."""
    inputs = [arrival for arrival in arrivals if isinstance(arrival.input, EhrInput)]
    if lane.clock is None:
        return inputs
    records = [arrival.input.record for arrival in inputs if isinstance(arrival.input, EhrInput)]
    stays = [record for record in records if isinstance(record, StayRecord)]
    ended = runner.resume(lane.partition, lane.clock, stays)
    return [arrival for arrival in inputs if arrival.input is None or arrival.input.stay_id not in ended]


def in_event_time(windows: Iterable[Arrival], ehr: deque[Arrival]) -> Iterator[Arrival]:
    """The windows in their order, and before each the EHR records that are earlier, which leave `ehr`."""
    for window in windows:
        while ehr and ehr[0].time < window.time:
            yield ehr.popleft()
        yield window


def _take_again(runner: Runner, lane: Lane, arrivals: Sequence[Arrival]) -> None:
    inputs = [(arrival, arrival.input) for arrival in arrivals if arrival.input is not None]
    with poisoned_by([arrival.origin for arrival, _ in inputs]):
        verdicts = runner.absorb(item for _, item in inputs)
    for (arrival, item), verdict in zip(inputs, verdicts, strict=True):
        if isinstance(item, WindowInput) and verdict.outcome == "predicted":
            lane.loosen(item.stay_id, arrival.record.offset)
