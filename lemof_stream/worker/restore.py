"""Restores the state of a partition: its snapshots, and silently what came after them."""

import asyncio
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from lemof_stream.contracts.topics import EHR_FEATURES, SNAPSHOTS, VITALS
from lemof_stream.runner.cycle import WindowInput
from lemof_stream.runner.runner import Runner
from lemof_stream.worker.arrivals import Arrival, Origin, read_arrival
from lemof_stream.worker.cycle import run_inputs
from lemof_stream.worker.lane import Lane
from lemof_stream.worker.merge import AT_ONCE
from lemof_stream.worker.reading import InterruptedReadError, range_reader, read_range


@dataclass(frozen=True, slots=True)
class Restore:
    """What every restore of this process has in common."""

    brokers: str
    group: str
    partitions: int
    executor: Executor
    called_off: Callable[[], bool]

    async def lane(
        self, runner: Runner, lane: Lane, replay_from: int, *, chunk: int, poisoned: Container[Origin]
    ) -> int:
        """Bring the runner's stays of this lane to where its committed offsets say; returns how many there are.

        EHR records below the committed offset and windows from `replay_from` up to it were taken before: they are
        taken again, merged as they were, and what the runner answers is thrown away. Inputs that a snapshot already
        holds are duplicates to it.

        Raises:
            CheckpointError: a snapshot is damaged or another model's.
            PoisonError: the runner broke on an input.
            InterruptedReadError: the partition is being taken away again.
        """
        partition = lane.partition
        loop = asyncio.get_running_loop()
        async with range_reader(self.brokers) as consumer:
            snapshots = await self._latest(consumer, SNAPSHOTS, partition, None)
            ehr = await self._latest(consumer, EHR_FEATURES, partition, lane.next_feature)
            vitals = TopicPartition(VITALS, partition)
            windows = read_range(consumer, vitals, replay_from, lane.next_window, self.called_off)
            records = [record async for record in windows]
        await loop.run_in_executor(self.executor, self._snapshots, runner, partition, snapshots)
        read = await loop.run_in_executor(self.executor, self._read, ehr, poisoned)
        lane.ehr_reached(max((arrival.progress for arrival in read), default=AT_ONCE))
        arrivals = await loop.run_in_executor(self.executor, self._in_order, records, read, poisoned)
        for start in range(0, len(arrivals), chunk):
            if self.called_off():
                raise InterruptedReadError
            await loop.run_in_executor(self.executor, _replay, runner, lane, arrivals[start : start + chunk])
        return len(runner.stays(partition))

    async def _latest(
        self, consumer: AIOKafkaConsumer, topic: str, partition: int, stop: int | None
    ) -> list[ConsumerRecord]:
        """The last record of every key of a compacted topic."""
        place = TopicPartition(topic, partition)
        start = (await consumer.beginning_offsets([place]))[place]
        latest: dict[bytes | None, ConsumerRecord] = {}
        async for record in read_range(consumer, place, start, stop, self.called_off):
            latest[record.key] = record
        return [record for record in latest.values() if record.value is not None]

    def _snapshots(self, runner: Runner, partition: int, records: Sequence[ConsumerRecord]) -> None:
        runner.release(partition)
        prefix = f"{self.group}|".encode()
        for record in records:
            if record.key.startswith(prefix):  # several groups share the topic
                runner.restore(partition, record.value)

    def _in_order(
        self, windows: Sequence[ConsumerRecord], ehr: Sequence[Arrival], poisoned: Container[Origin]
    ) -> list[Arrival]:
        inputs = (arrival for arrival in ehr if arrival.input is not None)
        return list(
            in_event_time(
                [arrival for arrival in self._read(windows, poisoned) if arrival.input is not None],
                sorted(inputs, key=lambda arrival: arrival.time),
            )
        )

    def _read(self, records: Sequence[ConsumerRecord], poisoned: Container[Origin]) -> list[Arrival]:
        arrivals = (read_arrival(record, self.partitions) for record in records)
        return [arrival for arrival in arrivals if arrival.origin not in poisoned]


def in_event_time(windows: Sequence[Arrival], ehr: Sequence[Arrival]) -> Iterator[Arrival]:
    """Both, the earlier head first, as a merge takes them that never has to wait; windows stay in their order."""
    rest = iter(ehr)
    head = next(rest, None)
    for window in windows:
        while head is not None and head.time <= window.time:
            yield head
            head = next(rest, None)
        yield window
    while head is not None:
        yield head
        head = next(rest, None)


def _replay(runner: Runner, lane: Lane, arrivals: Sequence[Arrival]) -> None:
    verdicts = run_inputs(runner, arrivals).verdicts
    for arrival, verdict in zip(arrivals, verdicts, strict=True):
        if isinstance(arrival.input, WindowInput) and verdict.outcome == "predicted":
            lane.loosen(arrival.input.stay_id, arrival.record.offset)
