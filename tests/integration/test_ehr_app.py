import asyncio
import random
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from lemof_stream.contracts.channels import EHR
from lemof_stream.contracts.ehr import (
    Admission,
    Demographics,
    Discharge,
    EhrEvent,
    HourRecord,
    Observations,
    StayRecord,
    Transfer,
    Watermark,
    read_ehr_record,
)
from lemof_stream.contracts.operations import DeadLetter
from lemof_stream.contracts.topics import DEAD_LETTERS, EHR_EVENTS, EHR_FEATURES, partition_of
from lemof_stream.worker.ehr_fold import (
    fold_hour,
    fold_stay,
    fold_watermark,
    hour_key,
    hour_of,
    stay_key,
    watermark_key,
)
from tests.messages import Outgoing, follow, latest, read_all, send
from tests.programs import lemof, run_lemof
from tests.topics import PARTITIONS

ADMITTED: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
END: Final = ADMITTED + timedelta(days=30)
READY: Final = "ready: tables restored"
CAUGHT_UP_S: Final = 90.0
STAYS: Final = 60
HOURS: Final = 24
KINDS: Final[list[type[Transfer | Discharge]]] = [Transfer, Discharge]


def recording() -> list[tuple[str, EhrEvent]]:
    """(stay, event) of a small hospital, hour by hour; every tenth event is sent twice."""
    events: list[tuple[str, EhrEvent]] = []
    stays = [f"stay-{number}" for number in range(STAYS)]
    for stay in stays:
        frame = {"stay_id": stay, "ward": "A", "admitted_at": ADMITTED, "event_time": ADMITTED}
        told = Demographics(age=70, sex=1)
        events.append(
            (stay, Admission.model_validate({**frame, "event_id": f"{stay}-a", "demographics": told}))
        )
    for hour in range(HOURS):
        for number, stay in enumerate(stays):
            at = ADMITTED + timedelta(minutes=60 * hour + number)
            frame = {"stay_id": stay, "ward": "A", "admitted_at": ADMITTED, "event_time": at}
            for part in ("x", "y"):
                values = {EHR[10]: 4.0, EHR[15]: 1.0 + hour}
                event_id = f"{stay}-{hour}{part}"
                events.append(
                    (stay, Observations.model_validate({**frame, "event_id": event_id, "values": values}))
                )
    for number, (stay, kind) in enumerate(zip(stays, KINDS * STAYS, strict=False)):
        at = ADMITTED + timedelta(hours=HOURS, minutes=number)
        frame = {"stay_id": stay, "ward": "B", "admitted_at": ADMITTED, "event_time": at}
        events.append((stay, kind.model_validate({**frame, "event_id": f"{stay}-t"})))
    return events + events[::10]


def outgoing(events: list[tuple[str, EhrEvent]]) -> list[Outgoing]:
    return [Outgoing(EHR_EVENTS, stay, event.to_bytes(), stay.encode()) for stay, event in events]


def ending() -> list[Outgoing]:
    """A last watermark on every partition, by which a test knows that the app is through."""
    stays = {partition_of(f"stay-{number}", PARTITIONS): f"stay-{number}" for number in range(STAYS)}
    return [Outgoing(EHR_EVENTS, stay, Watermark(event_time=END).to_bytes()) for stay in stays.values()]


def folded(events: list[tuple[str, EhrEvent]]) -> dict[bytes, bytes]:
    """What an app that is never disturbed leaves on the features topic."""
    table: dict[bytes, StayRecord | HourRecord | Watermark] = {
        watermark_key(partition): Watermark(event_time=END) for partition in range(PARTITIONS)
    }
    for stay, event in events:
        record: StayRecord | HourRecord | Watermark | None
        if isinstance(event, Observations):
            key = hour_key(stay, hour_of(event.event_time, event.admitted_at))
            known = table.get(key)
            assert known is None or isinstance(known, HourRecord)
            record = fold_hour(known, event)
        elif isinstance(event, Watermark):
            key, record = b"", fold_watermark(None, event)
        else:
            key, known = stay_key(stay), table.get(stay_key(stay))
            assert known is None or isinstance(known, StayRecord)
            record = fold_stay(known, event)
        if record is not None:
            table[key] = record
    return {key: record.to_bytes() for key, record in table.items()}


async def caught_up(brokers: str) -> dict[bytes, bytes]:
    """The features once the app is through with everything sent before `ending`."""
    left = {watermark_key(partition) for partition in range(PARTITIONS)}
    async with asyncio.timeout(CAUGHT_UP_S), aclosing(follow(brokers, EHR_FEATURES)) as records:
        async for record in records:
            left.discard(record.key or b"")
            if not left:
                break
    return await latest(brokers, EHR_FEATURES)


async def written(brokers: str, least: int) -> None:
    count = 0
    async with asyncio.timeout(CAUGHT_UP_S), aclosing(follow(brokers, EHR_FEATURES)) as records:
        async for _ in records:
            count += 1
            if count >= least:
                return


async def test_events_become_feature_records_that_a_consumer_reads_directly(
    topics: str, tmp_path: Path
) -> None:
    events = recording()
    await send(topics, outgoing(events) + ending())

    with lemof(tmp_path / "ehr.log", "ehr", "--brokers", topics) as app:
        features = await caught_up(topics)
        assert app.stop() == 0

    assert features == folded(events)
    hour = read_ehr_record(features[b"stay-7|h0003"])
    assert isinstance(hour, HourRecord)
    assert [observation.event_id for observation in hour.observations] == ["stay-7-2x", "stay-7-2y"]
    assert {
        partition_of(r.key.decode().partition("|")[0], PARTITIONS) == r.partition
        for r in await read_all(topics, EHR_FEATURES)
        if r.key and not r.key.startswith(b"watermark")
    } == {True}


async def test_kill_9_in_mid_stream_loses_no_event_and_counts_none_twice(topics: str, tmp_path: Path) -> None:
    events = recording()
    await send(topics, outgoing(events))

    with lemof(tmp_path / "first.log", "ehr", "--brokers", topics) as app:
        await written(topics, 500)
        app.kill()
    before = len(await read_all(topics, EHR_FEATURES))
    await send(topics, ending())
    with lemof(tmp_path / "second.log", "ehr", "--brokers", topics):
        features = await caught_up(topics)

    assert before < len(folded(events)) + STAYS * HOURS, "the app was through before it was killed"
    assert features == folded(events)


async def test_a_second_process_joins_in_mid_stream(topics: str, tmp_path: Path) -> None:
    events = recording()
    half = len(events) // 2

    with (
        lemof(tmp_path / "first.log", "ehr", "--brokers", topics) as first,
        lemof(tmp_path / "second.log", "ehr", "--brokers", topics) as second,
    ):
        first.wait_for(READY)
        await send(topics, outgoing(events[:half]))
        second.wait_for(READY)
        await send(topics, outgoing(events[half:]) + ending())
        features = await caught_up(topics)

    assert features == folded(events)


async def test_what_cannot_be_folded_goes_to_the_dead_letters_with_its_bytes(
    topics: str, tmp_path: Path
) -> None:
    good = recording()[0][1]
    impossible = {"potassium": 9e9, "sodium": 140.0}
    frame = {"stay_id": "stay-1", "ward": "A", "admitted_at": ADMITTED, "event_time": ADMITTED}
    bad = Observations.model_validate({**frame, "event_id": "bad", "values": impossible}).to_bytes()
    largest = random.Random(1).randbytes(1_000_000)  # about what Kafka takes; it does not compress
    refused = {
        b"no json": "unreadable", b'{"kind":"admission"}': "unreadable", bad: "implausible", largest: "unreadable"
    }  # fmt: skip
    messages = [Outgoing(EHR_EVENTS, "stay-0", value, b"key") for value in refused]
    good_message = Outgoing(EHR_EVENTS, "stay-0", good.to_bytes())

    await send(topics, [*messages, good_message, *ending()])
    with lemof(tmp_path / "ehr.log", "ehr", "--brokers", topics) as app:
        features = await caught_up(topics)
        assert app.stop() == 0

    assert b"stay-0|stay" in features
    assert not any(b"|h" in key for key in features)
    letters = [DeadLetter.from_bytes(record.value) for record in await read_all(topics, DEAD_LETTERS)]
    assert {letter.value: letter.reason for letter in letters} == refused
    assert {(letter.topic, letter.consumer, letter.key) for letter in letters} == {
        (EHR_EVENTS, "lemof-ehr", b"key")
    }
    assert sorted(letter.offset for letter in letters) == [0, 1, 2, 3]


@pytest.mark.parametrize("command", ["ehr", "ward"])
def test_a_kafka_that_is_down_takes_one_sentence_and_exit_status_2(command: str, closed_port: int) -> None:
    ended = run_lemof(command, "--brokers", f"127.0.0.1:{closed_port}", deadline_s=20)

    assert ended.returncode == 2
    assert ended.stderr.startswith("lemof: No Kafka answers at")
    assert ended.stderr.count("\n") == 1
