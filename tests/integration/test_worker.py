"""The runner's process on a real Kafka: what it publishes, and what it does with what it cannot use."""

import json
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import pytest

from lemof_stream.contracts.topics import EHR_FEATURES, PREDICTIONS, VITALS, partition_of
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import Input, Verdict, WindowInput
from lemof_stream.runner.taking import Taking
from lemof_stream.worker.ehr_fold import stay_key
from tests.messages import Outgoing, read_all, send
from tests.streams import (
    ADMITTED,
    Ward,
    admission,
    differences,
    filed,
    hour,
    last_finals,
    published,
    repeated,
    sent,
    window,
)
from tests.topics import PARTITIONS
from tests.waiting import wait_until_async
from tests.workers import letters, running, settings, settled

WARD: Final = Ward([f"bed-{number}" for number in range(12)], hours=6)


async def test_every_step_becomes_final_as_without_kafka_and_every_window_is_accounted_for(
    topics: str, predictor: Predictor
) -> None:
    await send(topics, [*WARD.features(), *WARD.vitals()])
    expected = WARD.finals(predictor)
    async with running(settings(topics), predictor):
        balance = await settled(topics, len(WARD.windows()))

        async def complete() -> bool:
            return len(last_finals(await published(topics))) >= len(expected)

        await wait_until_async(complete, 30, "every final")
    assert balance.balanced, balance.problems
    assert balance.predicted == balance.received == len(WARD.windows())
    predictions = await published(topics)
    assert differences(last_finals(predictions), expected) == []
    assert repeated(predictions) == []


async def test_a_prediction_is_keyed_by_stay_model_and_step_and_lies_in_its_stays_partition(
    topics: str, predictor: Predictor
) -> None:
    await send(topics, [sent(window(stay, 30)) for stay in WARD.stays])
    async with running(settings(topics), predictor):
        await settled(topics, len(WARD.stays))
    records = await read_all(topics, PREDICTIONS)
    model = f"{predictor.info.name}-{predictor.info.version}"
    assert {record.key for record in records} == {f"{stay}|{model}|1".encode() for stay in WARD.stays}
    for record in records:
        assert record.partition == partition_of(record.key.decode().split("|")[0], PARTITIONS)


async def test_accounting_counts_duplicates_and_late_windows_and_writes_the_late_to_the_dead_letters(
    topics: str, predictor: Predictor
) -> None:
    now, long_ago = sent(window("bed", 60 * 60)), sent(window("bed", 30))
    await send(topics, [now, now, long_ago])
    async with running(settings(topics), predictor):
        balance = await settled(topics, 3)
    assert (balance.predicted, balance.duplicate, balance.late, balance.rejected) == (1, 1, 1, 0)
    assert balance.balanced, balance.problems
    [letter] = await letters(topics)
    assert (letter.reason, letter.value) == ("late", long_ago.value)


async def test_nothing_on_a_topic_stops_a_worker_what_cannot_be_read_goes_to_the_dead_letters(
    topics: str, predictor: Predictor
) -> None:
    good = window("bed", 30)
    future = good.model_dump(mode="json") | {"schema_version": 99}
    elsewhere = next(
        stay for stay in WARD.stays if partition_of(stay, PARTITIONS) != partition_of("bed", PARTITIONS)
    )
    bad = {
        "no JSON": (VITALS, b"\xff\xfe no json", b"bed", "unreadable"),
        "no value": (VITALS, None, b"bed", "unreadable"),
        "schema of tomorrow": (VITALS, json.dumps(future).encode(), b"bed", "unreadable"),
        "another's key": (VITALS, good.to_bytes(), b"somebody", "unreadable"),
        "no key": (VITALS, good.to_bytes(), None, "unreadable"),
        "another's partition": (VITALS, window(elsewhere, 30).to_bytes(), elsewhere.encode(), "misplaced"),
        "a heart rate of 9e9": (VITALS, window("bed", 31, heart_rate=9e9).to_bytes(), b"bed", "implausible"),
        "EHR that is no JSON": (EHR_FEATURES, b"}", b"bed|stay", "unreadable"),
        "EHR of another's key": (EHR_FEATURES, admission("bed").to_bytes(), b"x|stay", "unreadable"),
    }
    await send(topics, [Outgoing(topic, "bed", value, key) for topic, value, key, _ in bad.values()])
    await send(topics, [Outgoing(EHR_FEATURES, "bed", None, stay_key("gone")), sent(good)])
    async with running(settings(topics), predictor):
        balance = await settled(topics, 8)

        async def all_told() -> bool:
            return len(await letters(topics)) == len(bad)

        await wait_until_async(all_told, 20, "a dead letter for each")
    assert (balance.predicted, balance.rejected) == (1, 7)
    assert balance.balanced, balance.problems
    found = {(letter.topic, letter.value, letter.key, letter.reason) for letter in await letters(topics)}
    assert found == set(bad.values())
    for letter in await letters(topics):
        assert "bed" not in letter.detail, "a sentence for people names no stay"
        assert letter.detail.endswith("."), letter.detail


async def test_a_dead_letter_holds_the_largest_message_that_a_topic_takes(
    topics: str, predictor: Predictor
) -> None:
    noise = random.Random(1).randbytes(
        1_048_400
    )  # which no compression makes smaller; the rest is Kafka's header
    large = [(None, noise), (noise, None), (b"bed", json.dumps({noise.hex()[:1_000_000]: 1}).encode())]
    await send(topics, [Outgoing(VITALS, "bed", value, key) for key, value in large])
    await send(topics, [sent(window("bed", 30))])
    async with running(settings(topics), predictor):
        balance = await settled(topics, 4)
    assert (balance.predicted, balance.rejected, balance.balanced) == (1, 3, True)
    assert [(letter.key, letter.value) for letter in await letters(topics)] == large


async def test_windows_from_a_transactional_gateway_balance_though_its_markers_take_offsets(
    topics: str, predictor: Predictor
) -> None:
    for minute in (10, 20, 30):
        await send(topics, [sent(window("bed", minute))], transactional_id="gateway")
    async with running(settings(topics), predictor):
        balance = await settled(topics, 3)
    assert balance.balanced, balance.problems
    assert (balance.received, balance.predicted) == (3, 3)


async def test_a_late_lab_revises_the_steps_from_its_own_on(topics: str, predictor: Predictor) -> None:
    stay = "bed"
    windows = [sent(window(stay, 60 * step - 30)) for step in range(1, 6)]
    await send(topics, [filed(admission(stay)), *windows])
    async with running(settings(topics), predictor):
        await settled(topics, len(windows))
        before = len(await published(topics))
        await send(topics, [filed(hour(stay, 3))])

        async def revised() -> bool:
            return len(await published(topics)) >= before + 3

        await wait_until_async(revised, 20, "the revisions of steps 3, 4 and 5")
    later = (await published(topics))[before:]
    assert sorted(p.step for p in later) == [3, 4, 5]
    assert all(p.step_end == ADMITTED + timedelta(hours=p.step) for p in later)


async def test_a_broken_input_is_found_and_costs_one_dead_letter(
    topics: str, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Taking.take

    def breaks(self: Taking[Any], inputs: Sequence[tuple[Any, Input]]) -> list[tuple[Any, Verdict]]:
        if any(isinstance(item, WindowInput) and item.window.window_id == "bed-3:40" for _, item in inputs):
            raise ZeroDivisionError
        return take(self, inputs)

    monkeypatch.setattr(Taking, "take", breaks)
    await send(topics, [*WARD.features(), *WARD.vitals()])
    async with running(settings(topics, snapshot_every=20), predictor):
        balance = await settled(topics, len(WARD.windows()))
    assert balance.balanced, balance.problems
    assert (balance.predicted, balance.rejected) == (len(WARD.windows()) - 1, 1)
    [letter] = await letters(topics)
    assert letter.reason == "failed"
    assert repeated(await published(topics)) == []
