"""A new model takes over while windows flow, an old one comes back, and what cannot be taken changes nothing."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from lemof_stream.contracts.models import ChosenModel, ModelRecord
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import MODELS, SNAPSHOTS, partition_of
from lemof_stream.model import load_checkpoint
from lemof_stream.model.checkpoint import WEIGHTS
from lemof_stream.model.predictor import Predictor
from lemof_stream.settings import Settings
from lemof_stream.worker.audit import Audit
from lemof_stream.worker.chosen import choose, chosen, roll_back
from lemof_stream.worker.process import RunnerProcess
from tests.checkpoints import write_other
from tests.messages import Outgoing, read_all, send
from tests.programs import lemof, refused, run_lemof
from tests.scrapes import scrape
from tests.streams import (
    Ward,
    at,
    differences,
    events,
    filed,
    published,
    repeated,
    sent,
    watermarks,
    window,
)
from tests.topics import PARTITIONS
from tests.waiting import wait_until_async
from tests.workers import GROUP, running, settings, settled, wait_for_finals

WARD: Final = Ward([f"bed-{number}" for number in range(12)], hours=10)
WINDOWS: Final = len(WARD.windows())
THIRDS: Final = (0, 200, 400, 60 * WARD.hours)
"""Minutes between which the parts of a test lie."""
SOON_S: Final = 60.0
TAKEN: Final = "a model took over"


def of(predictor: Predictor, folder: Path) -> ChosenModel:
    return ChosenModel(folder=str(folder), model=predictor.info, inputs_sha256=predictor.schema.sha256)


def use(brokers: str, folder: Path | str) -> str:
    """What the command answers; it has to be taken."""
    done = run_lemof("model", "use", str(folder), "--brokers", brokers)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(brokers: str) -> dict[str, Any]:
    done = run_lemof("model", "show", "--json", "--brokers", brokers)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def flow(brokers: str, after: float, until: float) -> None:
    """Send what the ward sends between two minutes, and that its EHR feed is complete up to there."""
    first, last = at(after), at(until)
    records = [record for record in WARD.records() if (record.event_time > first or not after)]
    await send(brokers, [filed(record) for record in records if record.event_time <= last])
    await send(brokers, [sent(item) for item in WARD.windows() if first < item.end <= last])
    await send(brokers, watermarks(until))


async def taken(brokers: str, until: float) -> Audit:
    """Wait until the windows up to this minute were received."""
    return await settled(brokers, sum(item.end <= at(until) for item in WARD.windows()))


async def pass_third(brokers: str, number: int) -> Audit:
    """Send a part and wait until it was received."""
    await flow(brokers, *THIRDS[number - 1 : number + 1])
    return await taken(brokers, THIRDS[number])


async def in_charge(process: RunnerProcess, predictor: Predictor) -> None:
    """Wait until this model has taken over."""

    async def taken() -> bool:
        return process._runner.predictor.info == predictor.info

    await wait_until_async(taken, SOON_S, "the takeover")


def assert_finals_are_those_of_their_models(predictions: list[Prediction], *models: Predictor) -> None:
    """The last final of every step is what a runner that had its model from the start would have said."""
    expected = {model.info: WARD.finals(model) for model in models}
    assert {p.model for p in predictions} == expected.keys()
    newest = {(p.stay_id, p.step): p for p in predictions if p.kind == "final"}
    assert newest.keys() == WARD.finals(models[0]).keys()
    assert {p.model for p in newest.values()} == expected.keys()
    found = {step: p.predictions for step, p in newest.items()}
    assert differences(found, {step: expected[p.model][step] for step, p in newest.items()}) == []


@asynccontextmanager
async def two_members(to: Settings, predictor: Predictor) -> AsyncIterator[list[RunnerProcess]]:
    """Two members of the group, both of which have partitions."""
    async with running(to, predictor) as one, running(to, predictor) as two:

        async def shared() -> bool:
            opened = [set(process._lanes) for process in (one, two)]
            return all(opened) and set.union(*opened) == set(range(PARTITIONS))

        await wait_until_async(shared, SOON_S, "partitions for both")
        yield [one, two]


async def test_a_new_model_takes_over_in_every_process_while_windows_flow_and_none_is_lost_or_predicted_twice(
    topics: str, predictor: Predictor, other: Predictor, folder: Path
) -> None:
    async with two_members(settings(topics, cycle_max=16), predictor) as members:
        await pass_third(topics, 1)
        flowing = asyncio.create_task(flow(topics, *THIRDS[1:3]))
        assert other.info.version in await asyncio.to_thread(use, topics, folder)
        await flowing
        for member in members:
            await in_charge(member, other)
        await taken(topics, THIRDS[2])
        balance = await pass_third(topics, 3)
        predictions = await wait_for_finals(topics, len(WARD.finals(predictor)), SOON_S)
        found = await asyncio.to_thread(shown, topics)
    assert balance.balanced, balance.problems
    assert (balance.received, balance.predicted) == (WINDOWS, WINDOWS)
    assert repeated(predictions) == []
    assert {p.model for p in predictions if p.event_time > at(THIRDS[2])} == {other.info}
    assert_finals_are_those_of_their_models(predictions, predictor, other)
    assert found["partitions"] == dict.fromkeys(map(str, range(PARTITIONS)), other.info.model_dump())


async def test_rollback_brings_the_old_model_back_from_memory(
    topics: str, predictor: Predictor, other: Predictor, tmp_path: Path
) -> None:
    async with running(settings(topics, metrics_port=0), predictor) as member:
        await pass_third(topics, 1)
        copy = write_other(tmp_path / "copy")
        await choose(topics, GROUP, of(other, copy))
        await in_charge(member, other)
        shutil.rmtree(copy)
        await pass_third(topics, 2)
        done = await asyncio.to_thread(run_lemof, "model", "rollback", "--brokers", topics)
        assert (done.returncode, "started with" in done.stdout) == (0, True), done.stderr
        await in_charge(member, predictor)
        balance = await pass_third(topics, 3)
        predictions = await wait_for_finals(topics, len(WARD.finals(predictor)), SOON_S)
        await roll_back(topics, GROUP)  # undoes it; the folder is gone, so it can only come from memory
        await in_charge(member, other)
        found = await scrape(member.observer.address)
    assert balance.balanced, balance.problems
    assert repeated(predictions) == []
    assert_finals_are_those_of_their_models(predictions, predictor, other)
    assert found.by("lemof_model_reloads_total", "result") == {"taken": 3, "refused": 0}
    assert found.by("lemof_model_info", "sha256") == {other.info.sha256: 1}
    assert found.by("lemof_model_info", "version") == {other.info.version: 1}


async def test_kill_9_after_a_reload_recovers_under_the_new_model(
    topics: str,
    predictor: Predictor,
    other: Predictor,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From snapshots of the old model, which the new one has to go on from."""
    for name, value in {"SNAPSHOT_EVERY": "40", "IDLE_MS": "500", "SESSION_TIMEOUT_MS": "2000"}.items():
        monkeypatch.setenv(f"LEMOF_{name}", value)
    with lemof(tmp_path / "first.log", "run", "--brokers", topics) as first:
        await flow(topics, THIRDS[0], THIRDS[2])
        await taken(topics, THIRDS[2])
        use(topics, folder)
        first.wait_for(TAKEN)
        first.kill()
    assert await read_all(topics, SNAPSHOTS), "those of the old model"
    await flow(topics, THIRDS[2], THIRDS[3])
    with lemof(tmp_path / "second.log", "run", "--brokers", topics) as second:
        balance = await taken(topics, THIRDS[3])
        predictions = await wait_for_finals(topics, len(WARD.finals(predictor)), SOON_S)
        assert second.stop() == 0
    said = events((tmp_path / "second.log").read_text())
    assert [event["sha256"] for event in said if event["event"] == TAKEN] == [other.info.sha256]
    assert not [event for event in said if event["level"] == "error"], "no snapshot was thrown away"
    assert balance.balanced, balance.problems
    assert (balance.received, balance.predicted) == (WINDOWS, WINDOWS)
    assert repeated(predictions) == []
    assert_finals_are_those_of_their_models(predictions, predictor, other)


async def test_a_process_that_starts_takes_what_was_chosen_for_its_group_before_its_first_window(
    topics: str, predictor: Predictor, other: Predictor, folder: Path
) -> None:
    await choose(topics, GROUP, of(other, folder))
    await choose(topics, "another-group", of(predictor, Path("physionet2012")))
    await send(topics, [sent(window("bed", 10))])
    async with running(settings(topics), predictor):
        await settled(topics, 1)
    assert [p.model for p in await published(topics)] == [other.info]


async def test_a_checkpoint_that_hangs_in_loading_is_told_and_holds_up_neither_another_choice_nor_the_exit(
    topics: str, other: Predictor, folder: Path, tmp_path: Path
) -> None:
    hung = shutil.copytree(folder, tmp_path / "hung")
    (hung / WEIGHTS).unlink()
    os.mkfifo(hung / WEIGHTS)  # who reads it waits for a writer, as for a disk that is gone
    await choose(topics, GROUP, of(other, hung))
    with lemof(tmp_path / "run.log", "run", "--brokers", topics) as runner:
        runner.wait_for("waiting for the group's model")
        await choose(topics, GROUP, of(other, folder))
        runner.wait_for(TAKEN)
        assert runner.stop() == 0


async def test_what_cannot_be_loaded_is_refused_by_the_command_and_nothing_is_chosen(
    topics: str, tmp_path: Path
) -> None:
    changed = write_other(tmp_path / "changed")
    weights = bytearray((changed / WEIGHTS).read_bytes())
    weights[len(weights) // 2] ^= 1
    (changed / WEIGHTS).write_bytes(weights)
    assert "SHA-256" in refused("model", "use", str(changed), "--brokers", topics)
    assert "nowhere" in refused("model", "use", str(tmp_path / "nowhere"), "--brokers", topics)
    assert "nothing to roll back" in refused("model", "rollback", "--brokers", topics)
    assert await read_all(topics, MODELS) == []
    found = shown(topics)
    assert (found["current"], found["previous"], found["chosen_at"]) == (None, None, None)


async def test_a_model_of_other_inputs_is_refused_by_the_command_once_it_is_known_what_runs(
    topics: str, predictor: Predictor, tmp_path: Path
) -> None:
    await send(topics, [sent(window("bed", 10))])
    async with running(settings(topics), predictor):
        await settled(topics, 1)
    stranger = write_other(tmp_path, horizon_steps=96)
    assert "reads other inputs" in refused("model", "use", str(stranger), "--brokers", topics)
    assert await read_all(topics, MODELS) == []


async def test_a_process_that_cannot_take_what_was_chosen_goes_on_with_the_old_model_and_says_so(
    topics: str, predictor: Predictor, other: Predictor, folder: Path, tmp_path: Path
) -> None:
    """The command checks on its own host; each of these records is what it might have written there."""
    stranger = write_other(tmp_path / "stranger", horizon_steps=96)
    absent = of(other, tmp_path / "not-here")
    changed = of(other, folder).model_copy(
        update={"model": other.info.model_copy(update={"sha256": "0" * 64})}
    )
    wrong = [absent, changed, of(load_checkpoint(stranger), stranger)]
    async with running(settings(topics, metrics_port=0), predictor) as member:
        for number, choice in enumerate(wrong, 1):
            await write(topics, choice)
            await refusals(member, number)
            await send(topics, [sent(window("bed", 10 * number))])
            await settled(topics, number)
        await send(topics, [record_of(b"no record")])
        await refusals(member, len(wrong) + 1)
        await choose(topics, GROUP, of(other, folder))
        await in_charge(member, other)
        await send(topics, [sent(window("bed", 50))])
        balance = await settled(topics, len(wrong) + 1)
    assert balance.balanced, balance.problems
    assert [p.model for p in await published(topics)] == [predictor.info] * len(wrong) + [other.info]


async def test_choosing_again_tells_it_again_and_keeps_what_a_rollback_goes_back_to(
    topics: str, predictor: Predictor, other: Predictor, folder: Path
) -> None:
    first, second = of(predictor, Path("physionet2012")), of(other, folder)
    for choice in (first, second, second):
        await choose(topics, GROUP, choice)
    record = await chosen(topics, GROUP)
    assert record is not None
    assert (record.current, record.previous) == (second, first)
    found = shown(topics)
    assert found["current"] == {"folder": str(folder), **other.info.model_dump()}
    assert found["previous"]["sha256"] == predictor.info.sha256


def record_of(value: bytes) -> Outgoing:
    """A record of the group where its runners look for it."""
    probe = next(
        f"{number}"
        for number in range(100)
        if partition_of(f"{number}", PARTITIONS) == partition_of(GROUP, PARTITIONS)
    )
    return Outgoing(MODELS, probe, value, GROUP.encode())


async def write(brokers: str, choice: ChosenModel) -> None:
    record = ModelRecord(group=GROUP, current=choice, previous=None, chosen_at=at(0))
    await send(brokers, [record_of(record.to_bytes())])


async def refusals(member: RunnerProcess, count: int) -> None:
    async def told() -> bool:
        found = await scrape(member.observer.address)
        return found.value("lemof_model_reloads_total", result="refused") == count

    await wait_until_async(told, SOON_S, f"{count} refusals")
