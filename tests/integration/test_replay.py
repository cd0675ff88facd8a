"""Simulators on a real Kafka, as a shell calls them."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE
from typing import Any, Final

import pytest
from aiokafka import ConsumerRecord

from lemof_stream.broker import Broker
from lemof_stream.broker.admin import create_topics
from lemof_stream.cohorts import read_cohort
from lemof_stream.contracts.ehr import Admission, Discharge, EhrEvent, Watermark, read_ehr_event
from lemof_stream.contracts.topics import EHR_EVENTS, VITALS, partition_of
from lemof_stream.contracts.vitals import VitalWindow
from simulators.feed import ORIGIN, timeline_of
from simulators.replay import CohortFeed
from tests.messages import read_all
from tests.topics import PARTITIONS
from tests.waiting import wait_until_async

_SIM: Final = (sys.executable, "-c", "from simulators.cli.main import main; main()")
_DEADLINE_S: Final = 120.0


def lemof_sim(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_SIM, *arguments], capture_output=True, text=True, timeout=_DEADLINE_S, check=False
    )


def replay(brokers: str, data: Path, *arguments: str) -> dict[str, Any]:
    done = lemof_sim(
        "replay", "physionet2012", "--data", str(data), "--brokers", brokers, "--json", *arguments,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


async def events_of(brokers: str) -> list[tuple[int, EhrEvent]]:
    """Partition and event, partition by partition in order."""
    return [(r.partition, read_ehr_event(r.value)) for r in await read_all(brokers, EHR_EVENTS)]


def placed(records: Sequence[ConsumerRecord[bytes, bytes]]) -> list[tuple[int, bytes]]:
    return [(record.partition, record.value) for record in records if record.key is not None]


async def test_a_replay_puts_every_message_into_its_stay_s_partition_in_event_time_order(
    topics: str, data_dir: Path
) -> None:
    recordings = data_dir / "physionet2012" / "set-a.tar.xz"
    told = replay(topics, recordings, "--stays", "30")

    cohort = read_cohort("physionet2012", recordings).take(range(30))
    expected: dict[str, list[tuple[int, bytes]]] = {VITALS: [], EHR_EVENTS: []}
    for moment in timeline_of(CohortFeed(cohort)).moments:
        for message in moment.messages:
            topic = VITALS if isinstance(message, VitalWindow) else EHR_EVENTS
            expected[topic].append((partition_of(message.stay_id, PARTITIONS), message.to_bytes()))
    for topic, messages in expected.items():
        by_partition = sorted(messages, key=lambda placed: placed[0])
        assert placed(await read_all(topics, topic)) == by_partition
    assert told["windows"] == len(expected[VITALS])
    assert told["events"] == len(expected[EHR_EVENTS])
    assert (told["stays"], told["complete"]) == (30, True)


async def test_a_replay_ends_with_a_watermark_on_every_partition_at_its_last_event(
    topics: str, first_stays: Path
) -> None:
    replay(topics, first_stays, "--stays", "3")

    events = await events_of(topics)
    last_event = max(event.event_time for _, event in events)
    last = dict(events)
    assert last == {p: Watermark(event_time=last_event) for p in range(PARTITIONS)}
    discharges = [event for _, event in events if isinstance(event, Discharge)]
    assert last_event == max(event.event_time for event in discharges)


async def test_no_event_follows_a_watermark_that_has_passed_it(topics: str, first_stays: Path) -> None:
    told = replay(
        topics, first_stays, "--stays", "20", "--speed", "60000", "--disorder", "7200", "--duplicates", "0.2",
    )  # fmt: skip

    passed = dict.fromkeys(range(PARTITIONS), ORIGIN - timedelta(days=1))
    watermarks = 0
    for partition, event in await events_of(topics):
        if isinstance(event, Watermark):
            assert event.event_time >= passed[partition]
            passed[partition] = event.event_time
            watermarks += 1
        else:
            assert event.event_time > passed[partition]
    assert watermarks > 2 * PARTITIONS
    assert told["complete"]
    copies = Counter(value for _, value in placed(await read_all(topics, VITALS)))
    assert set(copies.values()) == {1, 2}
    assert told["windows"] == copies.total()


def test_a_replay_keeps_to_its_speed(topics: str, first_stays: Path) -> None:
    told = replay(topics, first_stays, "--stays", "2", "--speed", "86400")

    assert told["seconds"] >= 2.0  # 48 hours at a day a second
    assert told["speed_up"] <= 86400


async def test_a_replay_that_is_stopped_delivers_what_it_counts_and_exits_1(
    topics: str, first_stays: Path
) -> None:
    arguments = (
        "replay", "physionet2012", "--data", str(first_stays), "--brokers", topics, "--json", "--speed", "60",
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(*_SIM, *arguments, stdout=PIPE, stderr=PIPE)

    async def flowing() -> bool:
        return bool(await read_all(topics, EHR_EVENTS))

    try:
        await wait_until_async(flowing, _DEADLINE_S, "the first event")
        process.send_signal(signal.SIGINT)
        stdout, stderr = await asyncio.wait_for(process.communicate(), _DEADLINE_S)
    except BaseException:
        process.kill()
        await process.wait()
        raise

    told = json.loads(stdout)
    assert (process.returncode, told["complete"]) == (1, False)
    assert stderr.decode() == "lemof-sim: the replay was stopped before its end.\n"
    assert told["windows"] == len(placed(await read_all(topics, VITALS)))
    assert told["events"] == len(placed(await read_all(topics, EHR_EVENTS)))


async def test_a_ward_is_live_and_stops_by_itself(topics: str) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    done = lemof_sim("ward", "--beds", "5", "--speed", "600", "--seconds", "3", "--brokers", topics, "--json")

    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    events = await events_of(topics)
    windows = [VitalWindow.from_bytes(value) for _, value in placed(await read_all(topics, VITALS))]
    assert told["windows"] == len(windows)
    admitted = {event.stay_id: event for _, event in events if isinstance(event, Admission)}
    assert {window.stay_id for window in windows} == set(admitted)
    assert len(admitted) == 5
    assert all(before <= event.admitted_at <= datetime.now(UTC) for event in admitted.values())
    last = dict(events)
    reached = max(window.end for window in windows)
    assert set(last) == set(range(PARTITIONS))
    for event in last.values():
        assert isinstance(event, Watermark)
        assert reached <= event.event_time < reached + timedelta(minutes=1)


async def test_a_kafka_that_goes_away_is_one_sentence_and_status_2(fresh_broker: Broker) -> None:
    brokers = fresh_broker.bootstrap
    await create_topics(brokers, PARTITIONS, 1)
    arguments = ("ward", "--speed", "360", "--brokers", brokers)
    process = await asyncio.create_subprocess_exec(*_SIM, *arguments, stdout=PIPE, stderr=PIPE)

    async def flowing() -> bool:
        return bool(await read_all(brokers, VITALS))

    try:
        await wait_until_async(flowing, _DEADLINE_S, "the first window")
        fresh_broker.stop()
        stdout, stderr = await asyncio.wait_for(process.communicate(), _DEADLINE_S)
    except BaseException:
        process.kill()
        await process.wait()
        raise

    assert (process.returncode, stdout) == (2, b"")
    assert stderr.startswith(f"lemof-sim: Kafka at {brokers} took no more messages".encode())
    assert len(stderr.splitlines()) == 1


def test_a_kafka_that_is_down_is_one_sentence_and_status_2(closed_port: int) -> None:
    done = lemof_sim("ward", "--brokers", f"127.0.0.1:{closed_port}", "--seconds", "1")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"lemof-sim: No Kafka answers at 127.0.0.1:{closed_port}")
    assert len(done.stderr.splitlines()) == 1


def test_a_kafka_without_the_topics_is_one_sentence_and_status_2(fresh_broker: Broker) -> None:
    done = lemof_sim("ward", "--brokers", fresh_broker.bootstrap, "--seconds", "1")

    assert done.returncode == 2
    assert "vitals.windows.v1" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("replay", "mimic", "--data", "."), "no reader for the cohort 'mimic'"),
        (("replay", "physionet2012"), "No recordings are named"),
        (("replay", "physionet2012", "--data", "absent"), "absent does not exist"),
        (("replay", "physionet2012", "--data", ".", "--speed", "fast"), "--speed fast is no speed"),
        (("replay", "physionet2012", "--data", ".", "--speed", "-3"), "--speed -3 is no speed"),
        (("replay", "physionet2012", "--data", ".", "--start", "soon"), "--start soon is no start"),
        (("replay", "physionet2012", "--data", ".", "--control", "0.0.0.0:80"), "no place on this machine"),
        (("replay", "bidmc", "--data", "."), "holds no recording of bidmc"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(
    arguments: Sequence[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEMOF_DATA", raising=False)

    done = lemof_sim(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
