"""What is kept of a stay ends some time after its discharge, whoever is killed meanwhile."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Final

from lemof_stream.client import PredictionStream
from lemof_stream.contracts.ehr import Admission, Demographics, Discharge, EhrEvent, Observations, Watermark
from lemof_stream.contracts.message import stay_of
from lemof_stream.contracts.operations import DeadLetter
from lemof_stream.contracts.topics import EHR_EVENTS, EHR_FEATURES, PREDICTIONS, partition_of
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.model.predictor import Predictor
from lemof_stream.settings import Settings
from tests.messages import Outgoing, follow, latest, send
from tests.programs import lemof
from tests.streams import ADMITTED, Ward, at, sent, window
from tests.topics import PARTITIONS
from tests.waiting import wait_until, wait_until_async
from tests.workers import letters, running, settings, settled, wait_for_finals

HOURS: Final = 3
LATER: Final = timedelta(days=Settings().retention_days + 1)
DEADLINE_S: Final = 60.0
FOUND: Final = "stays are over"

LEFT: Final = [f"left-{number}" for number in range(24)]
HERE: Final = ["here-1", "here-2"]


def events(stay: str) -> Iterator[EhrEvent]:
    frame = {"stay_id": stay, "ward": "north", "admitted_at": ADMITTED}
    yield Admission(event_id=f"{stay}-a", event_time=ADMITTED, demographics=Demographics(age=70), **frame)
    for hour in range(HOURS):
        values = {"glucose": 5.0 + hour}
        drawn = at(60 * hour + 15)
        yield Observations(event_id=f"{stay}-{hour}", event_time=drawn, values=values, **frame)
    if stay in LEFT:
        yield Discharge(event_id=f"{stay}-d", event_time=at(60 * HOURS), **frame)


def told(stay: str, event: EhrEvent) -> Outgoing:
    return Outgoing(EHR_EVENTS, stay, event.to_bytes(), stay.encode())


def stay_of_each_partition(name: str) -> list[str]:
    found: dict[int, str] = {}
    for number in range(1000):
        found.setdefault(partition_of(f"{name}-{number}", PARTITIONS), f"{name}-{number}")
    return list(found.values())


def reached(after: timedelta) -> list[Outgoing]:
    """On every partition, that the EHR feed is complete so long after the admission."""
    value = Watermark(event_time=ADMITTED + after).to_bytes()
    return [Outgoing(EHR_EVENTS, stay, value) for stay in stay_of_each_partition("probe")]


def newcomers() -> list[VitalWindow]:
    """Two windows in every partition of stays that begin when the others' retention is over."""
    return [
        window(stay, minute).model_copy(
            update={
                "admitted_at": ADMITTED + LATER,
                "start": at(minute - 1) + LATER,
                "end": at(minute) + LATER,
            }
        )
        for minute in (10, 20)
        for stay in stay_of_each_partition("new")
    ]


async def kept(brokers: str, topic: str) -> set[str]:
    """The stays of which a compacted topic still holds something."""
    return {stay_of(key) for key, value in (await latest(brokers, topic)).items() if value}


async def first_tombstone(brokers: str) -> None:
    async with asyncio.timeout(DEADLINE_S), aclosing(follow(brokers, PREDICTIONS)) as records:
        async for record in records:
            if record.value is None:
                return


async def test_a_discharged_stay_leaves_predictions_and_features_after_the_retention_over_kills(
    topics: str, tmp_path: Path, predictor: Predictor
) -> None:
    ward = Ward([*LEFT, *HERE], HOURS)
    # Each window but a partition's last is in a snapshot at once, so that no recovery reads those of the past again.
    runner = settings(topics, snapshot_every=1)
    with lemof(tmp_path / "first.log", "ehr", "--brokers", topics) as app:
        charted = [told(stay, event) for stay in ward.stays for event in events(stay)]
        await send(topics, [*charted, *reached(timedelta(hours=HOURS)), *ward.vitals()])
        async with running(runner, predictor):
            await settled(topics, len(ward.windows()))
            await wait_for_finals(topics, HOURS * len(LEFT), DEADLINE_S)

        await send(topics, reached(LATER))
        log = tmp_path / "first.log"
        wait_until(lambda: log.read_text().count(FOUND) == PARTITIONS, DEADLINE_S, "stays that are over")
        assert await kept(topics, PREDICTIONS) == set(ward.stays), "while the runner may still write of them"

        async with running(runner, predictor):
            arrived = newcomers()
            await send(topics, map(sent, arrived))
            await settled(topics, len(ward.windows()) + len(arrived))
            await first_tombstone(topics)
            app.kill()
            new = {item.stay_id for item in arrived}
            with lemof(tmp_path / "second.log", "ehr", "--brokers", topics):

                async def over() -> bool:
                    return (await kept(topics, EHR_FEATURES)) & set(LEFT) == set()

                await wait_until_async(over, DEADLINE_S, "tombstones for everything")
                assert await kept(topics, PREDICTIONS) == {*HERE, *new}
                assert set(HERE) <= await kept(topics, EHR_FEATURES)

                late = told(LEFT[0], list(events(LEFT[0]))[1])
                await send(topics, [late])

                async def refused() -> list[DeadLetter]:
                    return await letters(topics)

                [letter] = await wait_until_async(
                    refused, DEADLINE_S, "the dead letter of what comes too late"
                )
                assert (letter.reason, letter.value) == ("late", late.value)
                assert await kept(topics, EHR_FEATURES) & set(LEFT) == set()
            balance = await settled(topics, len(ward.windows()) + len(arrived))
    assert balance.balanced, balance.problems
    async with PredictionStream(topics, from_beginning=True, until_idle=1) as stream:
        steps = {(item.stay_id, item.step) async for item in stream}
    assert {(stay, 1) for stay in HERE} <= steps
