"""What the runner's process does when partitions move, brokers go away, and offsets are gone."""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import KafkaError

from lemof_stream.broker import Broker
from lemof_stream.broker.admin import admin_client
from lemof_stream.contracts.topics import DEAD_LETTERS, PREDICTIONS, SNAPSHOTS, VITALS, partition_of
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import EhrInput, Input, Verdict, WindowInput
from lemof_stream.runner.runner import Runner
from lemof_stream.runner.stepper import CalledOffError
from lemof_stream.runner.taking import Taking
from lemof_stream.worker import process
from lemof_stream.worker.clients import partition_producer
from lemof_stream.worker.cycle import LaneWork
from lemof_stream.worker.lane import Lane
from lemof_stream.worker.process import RunnerProcess
from lemof_stream.worker.reading import range_reader, read_range
from lemof_stream.worker.transaction import commit
from tests.messages import Outgoing, latest, read_all, send
from tests.programs import lemof
from tests.streams import (
    TOLERANCE,
    Ward,
    differences,
    events,
    filed,
    hour,
    last_finals,
    published,
    repeated,
    sent,
    watermarks,
    window,
)
from tests.topics import PARTITIONS, renew_topics
from tests.waiting import wait_until_async
from tests.workers import GROUP, letters, running, settings, settled

WARD: Final = Ward([f"bed-{number}" for number in range(16)], hours=12)
WINDOWS: Final = WARD.vitals()


async def test_recovery_takes_snapshots_and_the_windows_since_and_goes_on_as_if_nothing_had_been(
    topics: str, predictor: Predictor
) -> None:
    to = settings(topics, snapshot_every=40, cycle_max=32)
    await send(topics, WARD.features())
    parts = 4
    for part in range(parts):
        await send(topics, WINDOWS[part * len(WINDOWS) // parts : (part + 1) * len(WINDOWS) // parts])
        async with running(to, predictor):
            balance = await settled(topics, (part + 1) * len(WINDOWS) // parts)
    assert balance.balanced, balance.problems
    assert await read_all(topics, SNAPSHOTS), "snapshots were written and used"
    await assert_identical(topics, predictor)


async def test_snapshots_that_cannot_be_used_are_rebuilt_from_the_windows_that_are_kept(
    topics: str, predictor: Predictor
) -> None:
    half = len(WINDOWS) // 2
    await send(topics, [*WARD.features(), *WINDOWS[:half]])
    async with running(settings(topics, snapshot_every=40), predictor):
        await settled(topics, half)
    newest = await latest(topics, SNAPSHOTS)
    assert len(newest) >= 3
    damaged = dict(
        zip(newest, (b"", b"no snapshot", *(value[:-9] for value in newest.values())), strict=False)
    )
    for key, value in damaged.items():
        await send(topics, [Outgoing(SNAPSHOTS, key.decode().split("|")[1], value, key)])
    await send(topics, WINDOWS[half:])
    async with running(settings(topics), predictor):
        balance = await settled(topics, len(WINDOWS))
    assert balance.balanced, balance.problems
    await assert_identical(topics, predictor)


async def test_what_was_refused_as_late_stays_refused_when_state_is_restored(
    topics: str, predictor: Predictor
) -> None:
    """In event-time order, in which a restore takes what was there, the laboratory value would not be late."""
    first, late, last = ([sent(window("bed", 60 * step))] for step in (1, 60, 61))
    refused = [filed(hour("bed", 5))]
    async with running(settings(topics), predictor):
        for number, part in enumerate((first, late), 1):
            await send(topics, part)
            await settled(topics, number)
        await send(topics, refused)

        async def told() -> bool:
            return len(await letters(topics)) == 1

        await wait_until_async(told, 20, "the dead letter")
    partition = partition_of("bed", PARTITIONS)
    [letter] = await read_all(topics, DEAD_LETTERS)
    assert letter.partition == partition, "where a restore looks for it"
    await send(topics, last)
    async with running(settings(topics), predictor):
        await settled(topics, 3)
    undisturbed = Runner(predictor)
    for item in (window("bed", 60), window("bed", 60 * 60), hour("bed", 5), window("bed", 61 * 60)):
        wrapped = WindowInput(0, item) if isinstance(item, VitalWindow) else EhrInput(0, item)
        expected = undisturbed.cycle([wrapped]).predictions
    found = (await published(topics))[-len(expected) :]
    for (_, prediction), other in zip(expected, found, strict=True):
        assert (other.step, other.kind, other.revision) == (
            prediction.step,
            prediction.kind,
            prediction.revision,
        )
        assert other.predictions == pytest.approx(prediction.predictions, abs=TOLERANCE)


async def test_a_snapshot_of_a_bed_at_two_windows_a_second_fits_its_topic(topics: str) -> None:
    value = random.Random(1).randbytes(2 * 48 * 3600 * 8)
    to = settings(topics)
    lane = Lane(0, partition_producer(to, 0), to, partitions=PARTITIONS, next_window=0, next_feature=0)
    work = LaneWork(lane, 0)
    work.note_offsets()
    for number in range(3):
        work.add(SNAPSHOTS, f"{GROUP}|bed-{number}".encode(), value)
    await lane.producer.start()
    await commit(work, GROUP)
    await lane.producer.stop()
    async with range_reader(topics) as consumer:
        records = [record async for record in read_range(consumer, TopicPartition(SNAPSHOTS, 0), 0)]
    assert [record.value for record in records] == [value] * 3


async def test_what_was_computed_on_top_of_a_transaction_that_failed_goes_with_it(
    topics: str, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load the next cycle is computed meanwhile: its offsets follow those that were not committed."""
    commits, failures = 0, 0

    async def fails_now_and_then(work: LaneWork, group: str) -> None:
        nonlocal commits, failures
        commits += 1
        if commits % 9 == 5 and failures < 4:
            failures += 1
            raise KafkaError
        await commit(work, group)

    monkeypatch.setattr(process, "commit", fails_now_and_then)
    await send(topics, [*WARD.features(), *WINDOWS])
    async with running(settings(topics, cycle_max=32), predictor):
        balance = await settled(topics, len(WINDOWS))
    assert failures == 4
    assert balance.balanced, balance.problems
    await assert_identical(topics, predictor)
    assert repeated(await published(topics)) == []


async def test_a_partition_that_cannot_be_opened_is_tried_again(
    topics: str, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, failures = Runner.restore, iter((ZeroDivisionError, KeyError))

    def breaks(self: Runner, partition: int, value: bytes) -> str:
        for error in failures:
            raise error
        return whole(self, partition, value)

    async with running(settings(topics, snapshot_every=1), predictor):
        await send(topics, [sent(window("bed", minute)) for minute in (10, 20, 30)])
        await settled(topics, 3)
    await send(topics, [sent(window("bed", 30)), sent(window("bed", 40))])
    assert await read_all(topics, SNAPSHOTS), "there is something to restore"
    monkeypatch.setattr(Runner, "restore", breaks)
    async with running(settings(topics), predictor):
        balance = await settled(topics, 5)
    assert next(failures, None) is None, "it was tried a third time"
    assert (balance.predicted, balance.duplicate, balance.balanced) == (4, 1, True)


async def test_members_that_join_and_leave_lose_nothing_and_publish_nothing_twice(
    topics: str, predictor: Predictor
) -> None:
    to = settings(topics, cycle_max=32)
    await send(topics, WARD.features())
    third = len(WINDOWS) // 3
    async with running(to, predictor):
        await send(topics, WINDOWS[:third])
        async with running(to, predictor):
            await send(topics, WINDOWS[third : 2 * third])
            await settled(topics, third)
        await send(topics, WINDOWS[2 * third :])
        balance = await settled(topics, len(WINDOWS))
    assert balance.balanced, balance.problems
    await assert_identical(topics, predictor)


async def test_a_fenced_producer_means_another_owner_the_process_rejoins_and_lives_on(
    topics: str, predictor: Predictor
) -> None:
    to = settings(topics)
    async with running(to, predictor):
        await send(topics, [sent(window("bed", 10))])
        await settled(topics, 1)
        usurper = partition_producer(to, partition_of("bed", PARTITIONS))
        await usurper.start()
        await usurper.stop()
        await send(topics, [sent(window("bed", 20))])
        balance = await settled(topics, 2)
    assert (balance.predicted, balance.balanced) == (2, True)
    assert repeated(await published(topics)) == []


async def test_what_a_dead_owner_left_in_an_open_transaction_is_never_seen(
    topics: str, predictor: Predictor
) -> None:
    to, partition = settings(topics), partition_of("bed", PARTITIONS)
    dead = partition_producer(to, partition)
    await dead.start()
    await dead.begin_transaction()
    await dead.send_and_wait(PREDICTIONS, b"{}", key=b"half", partition=partition)
    await send(topics, [sent(window("bed", 10))])
    async with running(to, predictor):
        await settled(topics, 1)
    assert [record.key for record in await read_all(topics, PREDICTIONS) if record.key == b"half"] == []
    await dead.stop()


async def test_a_committed_offset_that_is_no_longer_kept_is_a_gap_in_the_audit_and_no_end(
    topics: str, predictor: Predictor
) -> None:
    partition = partition_of("bed", PARTITIONS)
    async with running(settings(topics), predictor):
        await send(topics, [sent(window("bed", minute)) for minute in range(10, 15)])
        await settled(topics, 5)
    await send(topics, [sent(window("bed", minute)) for minute in range(20, 30)])
    async with admin_client(topics) as admin:
        await admin.delete_records({TopicPartition(VITALS, partition): RecordsToDelete(8)})
    async with running(settings(topics), predictor):
        balance = await settled(topics, 12)
    assert balance.predicted == 12
    assert balance.problems == [f"partition {partition}: offsets 5 to 7 were never received"]


async def test_windows_that_are_deleted_before_a_running_runner_comes_to_them_are_a_gap_too(
    topics: str, predictor: Predictor
) -> None:
    partition = partition_of("bed", PARTITIONS)
    to = settings(
        topics, cycle_max=1, idle_ms=60_000
    )  # few windows wait in memory, and they wait for the EHR feed
    async with running(to, predictor) as process:
        await send(topics, [sent(window("bed", minute)) for minute in range(10, 16)])
        await wait_until_async(lambda: _held_back(process, partition), 30, "a full buffer")
        await send(topics, [sent(window("bed", minute)) for minute in range(20, 26)])
        async with admin_client(topics) as admin:
            await admin.delete_records({TopicPartition(VITALS, partition): RecordsToDelete(9)})
        await send(topics, watermarks(30))
        balance = await settled(topics, 9)
    assert balance.predicted == 9
    assert balance.problems == [f"partition {partition}: offsets 6 to 8 were never received"]


async def _held_back(process: RunnerProcess, partition: int) -> bool:
    return partition in process._lanes and TopicPartition(VITALS, partition) in process._consumer.paused()


async def test_a_broker_that_goes_away_is_waited_for(fresh_broker: Broker, predictor: Predictor) -> None:
    brokers = fresh_broker.bootstrap
    await renew_topics(brokers)
    async with running(settings(brokers), predictor):
        await send(brokers, [sent(window("bed", 10))])
        await settled(brokers, 1)
        await asyncio.to_thread(fresh_broker.stop)
        await asyncio.to_thread(fresh_broker.start)
        await send(brokers, [sent(window("bed", 20))])
        balance = await settled(brokers, 2)
    assert (balance.predicted, balance.balanced) == (2, True)
    assert repeated(await published(brokers)) == []


async def test_a_runner_that_is_to_stop_leaves_a_long_cycle_half_done_and_nothing_is_lost(
    topics: str, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, stop, loop, left = Taking.take, asyncio.Event(), asyncio.get_running_loop(), []

    async def tell() -> None:
        stop.set()

    def told_meanwhile(cycle: Taking[Any], inputs: Sequence[tuple[Any, Input]]) -> list[tuple[Any, Verdict]]:
        asyncio.run_coroutine_threadsafe(tell(), loop).result()
        try:
            return usual(cycle, inputs)
        except CalledOffError:
            left.append(len(inputs))
            raise

    await send(topics, [*WARD.features(), *WINDOWS])
    with monkeypatch.context() as patched:
        patched.setattr(process, "_LAST_CYCLE_S", 0.0)  # any cycle is a long one
        patched.setattr(Taking, "take", told_meanwhile)
        async with asyncio.timeout(60):
            await RunnerProcess(settings(topics), predictor, PARTITIONS).run(stop)
    assert left, "a cycle was left half done"
    async with running(settings(topics), predictor):
        balance = await settled(topics, len(WINDOWS))
    assert balance.balanced, balance.problems
    await assert_identical(topics, predictor)


async def test_sigterm_ends_the_cycle_and_leaves_the_group_and_no_identifiers_leak(
    topics: str, tmp_path: Path
) -> None:
    await send(topics, [*WARD.features(), *WINDOWS, sent(window("bed-0", 10, heart_rate=9e9))])
    with lemof(tmp_path / "run.log", "run", "--brokers", topics) as runner:
        await settled(topics, len(WINDOWS) + 1)
        assert runner.stop() == 0
    log = (tmp_path / "run.log").read_text()
    assert "dead letter" in {event["event"] for event in events(log)}
    assert "bed-" not in log
    async with admin_client(topics) as admin:
        [group] = await admin.describe_consumer_groups([GROUP])
        members = group.to_object()["groups"][0]["members"]
    assert members == []


async def assert_identical(brokers: str, predictor: Predictor) -> None:
    """The finals of a run without Kafka, each published once."""
    expected = WARD.finals(predictor)

    async def complete() -> bool:
        return len(last_finals(await published(brokers))) >= len(expected)

    async with running(settings(brokers), predictor):
        await wait_until_async(complete, 30, "every final")
    predictions = await published(brokers)
    assert differences(last_finals(predictions), expected) == []
    assert repeated(predictions) == []
