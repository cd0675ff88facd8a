"""A shadow model sees the same windows as the one in charge, and nothing of what it says is taken for that one's."""

import asyncio
import json
from pathlib import Path
from typing import Final

import pytest

from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import PREDICTIONS, SHADOW_PREDICTIONS, VITALS
from lemof_stream.errors import ConfigError
from lemof_stream.model.predictor import Predictor
from lemof_stream.settings import GROUP, SHADOW_GROUP
from lemof_stream.worker.process import RunnerProcess
from tests.messages import Outgoing, read_all, send
from tests.programs import lemof, refused, run_lemof
from tests.streams import Ward, differences, last_finals, published, repeated, sent, window
from tests.topics import PARTITIONS
from tests.waiting import wait_until_async
from tests.workers import letters, running, settings, settled

WARD: Final = Ward([f"bed-{number}" for number in range(12)], hours=8)
WINDOWS: Final = len(WARD.windows())
SOON_S: Final = 60.0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEMOF_IDLE_MS", "500")
    monkeypatch.setenv("LEMOF_SESSION_TIMEOUT_MS", "2000")


async def shadowed(brokers: str) -> list[Prediction]:
    return [Prediction.from_bytes(record.value) for record in await read_all(brokers, SHADOW_PREDICTIONS)]


async def test_a_shadow_accounts_for_the_same_windows_and_writes_nothing_to_the_main_topic(
    topics: str, predictor: Predictor, other: Predictor, folder: Path, tmp_path: Path
) -> None:
    broken = Outgoing(VITALS, "bed", b"no json", b"bed")
    await send(topics, [*WARD.features(), *WARD.vitals(), broken])
    shadow = ("run", "--shadow", "--checkpoint", str(folder), "--brokers", topics)
    with lemof(tmp_path / "shadow.log", *shadow) as process:
        alone = await settled(topics, WINDOWS + 1, group=SHADOW_GROUP)
        assert await read_all(topics, PREDICTIONS) == []
        async with running(settings(topics), predictor):
            balance = await settled(topics, WINDOWS + 1)
            steps = WARD.finals(predictor).keys()

            async def complete() -> bool:
                of_both = last_finals(await published(topics)), last_finals(await shadowed(topics))
                return all(found.keys() >= steps for found in of_both)

            await wait_until_async(complete, SOON_S, "the finals of both")
        assert process.stop() == 0
    for found in (alone, balance):
        assert found.balanced, found.problems
        assert (found.received, found.predicted, found.rejected) == (WINDOWS + 1, WINDOWS, 1)
    for predictions, model in ((await published(topics), predictor), (await shadowed(topics), other)):
        assert {p.model for p in predictions} == {model.info}
        assert repeated(predictions) == []
        assert differences(last_finals(predictions), WARD.finals(model)) == []
    audit = await asyncio.to_thread(
        run_lemof, "audit", "--group", SHADOW_GROUP, "--json", "--brokers", topics
    )
    assert json.loads(audit.stdout)["balanced"]


async def test_subscribe_reads_one_topic_or_the_other(
    topics: str, predictor: Predictor, other: Predictor
) -> None:
    await send(topics, [sent(window("bed", 10))])
    async with running(settings(topics), predictor):
        await settled(topics, 1)
    async with running(settings(topics, shadow=True), other):
        await settled(topics, 1, group=SHADOW_GROUP)
    ask = ("subscribe", "--from", "beginning", "--until-idle", "2", "--format", "jsonl", "--brokers", topics)
    for options, model in (((), predictor), (("--shadow",), other)):
        done = await asyncio.to_thread(run_lemof, *ask, *options)
        [line] = done.stdout.splitlines()
        assert json.loads(line)["model"] == model.info.model_dump()


@pytest.mark.parametrize("shadow", [False, True])
async def test_a_shadow_and_a_runner_that_publishes_never_share_a_group(
    topics: str, predictor: Predictor, *, shadow: bool
) -> None:
    other_kind = ("run", *(() if shadow else ("--shadow",)), "--group", "ward-a", "--brokers", topics)
    async with running(settings(topics, shadow=shadow, group="ward-a"), predictor) as process:

        async def joined() -> bool:
            return bool(process._lanes)

        await wait_until_async(joined, SOON_S, "partitions")
        known_by_members = await asyncio.to_thread(refused, *other_kind)
        await send(topics, [sent(window("bed", 10))])
        await settled(topics, 1, group="ward-a")
    known_by_offsets = await asyncio.to_thread(refused, *other_kind)
    for sentence in (known_by_members, known_by_offsets):
        assert "ward-a is that of a " + ("shadow" if shadow else "runner that publishes") in sentence


async def test_the_runners_own_group_is_no_shadow_s_even_before_its_first_window(topics: str) -> None:
    assert "runner that publishes" in refused("run", "--shadow", "--group", GROUP, "--brokers", topics)


async def test_of_two_kinds_that_start_in_a_new_group_at_once_one_goes_on_and_the_other_ends_with_a_sentence(
    topics: str, predictor: Predictor
) -> None:
    """Neither finds a trace of the other when it starts: Kafka lets the first in."""
    stop = asyncio.Event()
    of_kind = {
        shadow: asyncio.create_task(
            RunnerProcess(settings(topics, group="new", shadow=shadow), predictor, PARTITIONS).run(stop)
        )
        for shadow in (False, True)
    }
    try:
        ended, [goes_on] = await asyncio.wait(
            of_kind.values(), timeout=SOON_S, return_when=asyncio.FIRST_COMPLETED
        )
        [loser] = ended
        with pytest.raises(ConfigError, match="The consumer group new is that of a"):
            loser.result()
        await send(topics, WARD.vitals())
        balance = await settled(topics, WINDOWS, group="new")
        assert balance.balanced, balance.problems
        published_by = shadowed if loser is of_kind[False] else published
        assert await published_by(topics)
    finally:
        stop.set()
        await asyncio.wait(of_kind.values(), timeout=SOON_S)
    assert goes_on.result() is None


async def test_a_message_that_both_groups_gave_up_on_is_redriven_once_for_both(
    topics: str, predictor: Predictor, tmp_path: Path
) -> None:
    await send(topics, [Outgoing(VITALS, "bed", b"no json", b"bed")])
    corrected = tmp_path / "corrected.json"
    corrected.write_bytes(window("bed", 10).to_bytes())
    async with running(settings(topics), predictor), running(settings(topics, shadow=True), predictor):
        for group in (GROUP, SHADOW_GROUP):
            await settled(topics, 1, group=group)
        assert {letter.consumer for letter in await letters(topics)} == {GROUP, SHADOW_GROUP}
        listing = await asyncio.to_thread(
            run_lemof, "dlq", "list", "--group", SHADOW_GROUP, "--json", "--brokers", topics
        )
        [of_shadow] = json.loads(listing.stdout)["letters"]
        everyone = await asyncio.to_thread(run_lemof, "dlq", "list", "--json", "--brokers", topics)
        [of_main] = [fact for fact in json.loads(everyone.stdout)["letters"] if fact["consumer"] == GROUP]
        redrive = ("dlq", "redrive", of_shadow["letter"], "--value", str(corrected), "--brokers", topics)
        done = await asyncio.to_thread(run_lemof, *redrive)
        assert done.returncode == 0, done.stderr
        again = await asyncio.to_thread(refused, "dlq", "redrive", of_main["letter"], "--brokers", topics)
        assert "redriven already" in again
        for group in (GROUP, SHADOW_GROUP):
            balance = await settled(topics, 2, group=group)
            assert (balance.predicted, balance.rejected, balance.balanced) == (1, 1, True)
