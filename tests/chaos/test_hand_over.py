"""Guarantee 3 (recovery) when a worker is asked to stop, and when one dies beside a standby.

In full: `LEMOF_CHAOS_BEDS=1000 LEMOF_CHAOS_WINDOWS=60 pytest tests/chaos/test_hand_over.py -s` prints how long the
worker took to leave, what the other one read and replayed, and how long each partition paused, at 200 windows/s.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from lemof_stream.contracts.topics import LEDGER, SNAPSHOTS
from tests.messages import Outgoing, follow, read_all, send
from tests.programs import Program, lemof
from tests.streams import Ward, events
from tests.topics import PARTITIONS
from tests.waiting import wait_until_async
from tests.workers import assert_nothing_lost_or_twice, settled

BEDS: Final = int(os.environ.get("LEMOF_CHAOS_BEDS", "100"))
BEFORE: Final = int(os.environ.get("LEMOF_CHAOS_WINDOWS", "24"))
"""Windows of every bed before the fault; behind it there are half a dozen more."""
WARD: Final = Ward([f"bed-{number}" for number in range(BEDS)], hours=BEFORE // 3 + 2)
A_SECOND: Final = 200
OPENED: Final = "partition opened"
FLOWN_S: Final = 120.0
# The system's own deadline is 2 s; a machine that runs other things beside the tests may take its time.
LEFT_S: Final = 10.0


class Pulse:
    """When windows of each partition were last predicted, and the longest time between two such transactions."""

    def __init__(self) -> None:
        self._last = dict.fromkeys(range(PARTITIONS), time.monotonic())
        self._pauses = dict.fromkeys(range(PARTITIONS), 0.0)

    def beat(self, partition: int) -> None:
        now = time.monotonic()
        self._pauses[partition] = max(self._pauses[partition], now - self._last[partition])
        self._last[partition] = now

    async def every_partition(self, since: float) -> None:
        """Wait until each has had predictions since then."""

        async def all_again() -> bool:
            return min(self._last.values()) > since

        await wait_until_async(all_again, FLOWN_S, "windows of every partition")

    def __str__(self) -> str:
        return "longest pauses " + " ".join(f"{p}: {pause:.1f} s" for p, pause in self._pauses.items())


@asynccontextmanager
async def pulse(brokers: str) -> AsyncIterator[Pulse]:
    found, records = Pulse(), follow(brokers, LEDGER)

    async def listen() -> None:
        async for record in records:
            found.beat(record.partition)

    task = asyncio.create_task(listen())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.wait([task])
        await records.aclose()


class Taken:
    """What a worker says of the partitions that it has opened since."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._before = len(self._openings())

    def _openings(self) -> list[dict[str, Any]]:
        return [event for event in events(self._program.log.read_text()) if event["event"] == OPENED]

    @property
    def kept(self) -> list[dict[str, Any]]:
        return [event for event in self._openings()[self._before :] if event["kept"]]

    @property
    def anew(self) -> list[dict[str, Any]]:
        return [event for event in self._openings()[self._before :] if not event["kept"]]

    def __str__(self) -> str:
        names = ("partition", "stays", "from_standby", "read", "replayed", "seconds")
        return "\n".join(" ".join(f"{name}={event[name]}" for name in names) for event in self.anew)


async def paced(brokers: str, windows: list[Outgoing]) -> None:
    """Send them at the rate of a thousand beds."""
    tenth = A_SECOND // 10
    for start in range(0, len(windows), tenth):
        await asyncio.gather(send(brokers, windows[start : start + tenth]), asyncio.sleep(0.1))


@asynccontextmanager
async def two_workers(brokers: str, folder: Path, *options: str) -> AsyncIterator[tuple[Program, Program]]:
    """Two runners that share the ward's partitions and have taken all but the end of it."""
    await send(brokers, WARD.features())
    with lemof(folder / "one.log", "run", "--brokers", brokers, *options) as one:
        await asyncio.to_thread(one.wait_for, '"partition": 3')
        with lemof(folder / "two.log", "run", "--brokers", brokers, *options) as two:
            await asyncio.to_thread(two.wait_for, OPENED)
            await send(brokers, WARD.vitals()[: BEDS * BEFORE])
            await settled(brokers, BEDS * BEFORE, FLOWN_S)
            yield one, two


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    # Half of a partition's windows: some of a restore is snapshots, and some a replay.
    monkeypatch.setenv("LEMOF_SNAPSHOT_EVERY", str(BEDS * BEFORE // PARTITIONS // 2))


@pytest.mark.timeout(600)
async def test_recovery_a_worker_that_is_asked_to_stop_hands_its_partitions_over(
    topics: str, tmp_path: Path
) -> None:
    async with two_workers(topics, tmp_path) as (one, two), pulse(topics) as beats:
        found, began = Taken(two), time.monotonic()
        sending = asyncio.create_task(paced(topics, WARD.vitals()[BEDS * BEFORE :]))
        await beats.every_partition(since=began)
        asked = time.monotonic()
        assert await asyncio.to_thread(one.stop) == 0
        left_s = time.monotonic() - asked
        await beats.every_partition(since=asked + left_s)
        await sending
        await assert_nothing_lost_or_twice(topics, WARD, FLOWN_S)
        [handed] = [event for event in events(one.log.read_text()) if event["event"] == "handed over"]
        print(f"\nleft after {left_s:.2f} s, {handed['seconds']} s of them snapshots; {beats}\n{found}")
        assert left_s < LEFT_S
        assert handed["snapshots"] > 0
        assert len(found.kept) == len(found.anew) == PARTITIONS // 2
        assert sum(event["replayed"] for event in found.anew) < BEDS * BEFORE / 10
        assert two.stop() == 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("options", [("--standby",), ()])
async def test_recovery_a_standby_takes_the_partitions_of_a_killed_worker_over_from_memory(
    topics: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    async with two_workers(topics, tmp_path, *options) as (one, two), pulse(topics) as beats:
        if options:
            await asyncio.to_thread(two.wait_for, "standby caught up")
        found, began = Taken(two), time.monotonic()
        sending = asyncio.create_task(paced(topics, WARD.vitals()[BEDS * BEFORE :]))
        await beats.every_partition(since=began)
        one.kill()
        await beats.every_partition(since=time.monotonic())
        await sending
        await assert_nothing_lost_or_twice(topics, WARD, FLOWN_S)
        print(f"\n{' '.join(options) or 'without a standby'}: {beats}\n{found}")
        assert await read_all(topics, SNAPSHOTS), "there is something to hold"
        assert len(found.kept) == len(found.anew) == PARTITIONS // 2
        records = sum(event["from_standby"] for event in found.anew)
        read = sum(event["read"] for event in found.anew)
        assert records > 10 * read if options else records == 0
        assert two.stop() == 0
