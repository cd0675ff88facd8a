"""Guarantees 3 (recovery) and 4 (exactly once) of the system, with real processes that are killed and paused."""

import asyncio
import signal
from pathlib import Path
from typing import Final

import pytest

from lemof_stream.contracts.topics import LEDGER
from tests.messages import read_all, send
from tests.programs import Program, lemof
from tests.streams import Ward
from tests.waiting import wait_until_async
from tests.workers import assert_nothing_lost_or_twice

# More beds than the runner first makes room for.
WARD: Final = Ward([f"bed-{number}" for number in range(80)], hours=18)
SETTINGS: Final = {
    "LEMOF_SNAPSHOT_EVERY": "200",  # so that recovery takes snapshots and a replay
    "LEMOF_CYCLE_MAX": "100",  # so that there are many transactions to be interrupted
    "LEMOF_SESSION_TIMEOUT_MS": "2000",  # the least that lets a paused process be declared dead soon
}
FLOWN_S: Final = 120.0
OPENED: Final = "partition opened"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


async def transactions(brokers: str, at_least: int) -> None:
    """Wait until the ledger holds this many entries."""

    async def enough() -> bool:
        return len(await read_all(brokers, LEDGER)) >= at_least

    await wait_until_async(enough, FLOWN_S, f"{at_least} transactions")


async def test_recovery_kill_9_in_the_middle_loses_no_window_and_changes_no_final_prediction(
    topics: str, tmp_path: Path
) -> None:
    await send(topics, WARD.features())
    await send(topics, WARD.vitals())
    for kill in range(3):
        with lemof(tmp_path / f"run-{kill}.log", "run", "--brokers", topics) as runner:
            await transactions(topics, 6 * (kill + 1))
            runner.kill()
    with lemof(tmp_path / "run-last.log", "run", "--brokers", topics) as runner:
        await assert_nothing_lost_or_twice(topics, WARD, FLOWN_S)
        assert runner.stop() == 0


async def test_exactly_once_a_paused_worker_that_wakes_as_a_zombie_publishes_nothing_twice(
    topics: str, tmp_path: Path
) -> None:
    await send(topics, WARD.features())
    vitals = WARD.vitals()
    parts = 3
    with (
        lemof(tmp_path / "one.log", "run", "--brokers", topics) as one,
        lemof(tmp_path / "two.log", "run", "--brokers", topics) as two,
    ):
        for runner in (one, two):
            await asyncio.to_thread(runner.wait_for, OPENED)
        for part in range(parts):
            before = len(await read_all(topics, LEDGER))
            await send(topics, vitals[part * len(vitals) // parts : (part + 1) * len(vitals) // parts])
            await transactions(topics, before + 2)
            paused, other = (one, two) if part % 2 == 0 else (two, one)
            await pause_until_declared_dead(paused, other)
        await assert_nothing_lost_or_twice(topics, WARD, FLOWN_S)
        assert {one.stop(), two.stop()} == {0}


async def pause_until_declared_dead(paused: Program, other: Program) -> None:
    """Stop a process with SIGSTOP until the other one has opened all four partitions; then let it go on."""
    opened = other.log.read_text().count(OPENED)
    paused.process.send_signal(signal.SIGSTOP)
    try:

        async def taken_over() -> bool:
            return other.log.read_text().count(OPENED) >= opened + 4

        await wait_until_async(taken_over, FLOWN_S, "the take-over of the partitions")
    finally:
        paused.process.send_signal(signal.SIGCONT)
