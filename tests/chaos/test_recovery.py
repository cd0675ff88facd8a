"""Guarantee 3 (recovery) over random kills: one of two workers dies, the other goes on with its partitions.

In full: `LEMOF_CHAOS_SEEDS=20 LEMOF_CHAOS_BEDS=1000 pytest tests/chaos/test_recovery.py -s` prints after how long
every partition had predictions again; the session timeout is the one that ships, 6 s.
"""

import asyncio
import os
import random
import time
from pathlib import Path
from typing import Final

import pytest

from lemof_stream.contracts.topics import LEDGER
from tests.messages import read_all, send
from tests.programs import lemof
from tests.streams import Ward
from tests.topics import PARTITIONS
from tests.waiting import wait_until_async
from tests.workers import assert_nothing_lost_or_twice

SEEDS: Final = int(os.environ.get("LEMOF_CHAOS_SEEDS", "1"))
BEDS: Final = int(os.environ.get("LEMOF_CHAOS_BEDS", "100"))
WARD: Final = Ward([f"bed-{number}" for number in range(BEDS)], hours=3)
OPENED: Final = "partition opened"
FLOWN_S: Final = 120.0


async def entries(brokers: str) -> dict[int, int]:
    """How many transactions took windows of each partition."""
    counts = dict.fromkeys(range(PARTITIONS), 0)
    for record in await read_all(brokers, LEDGER):
        counts[record.partition] += 1
    return counts


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_recovery_when_one_of_two_workers_is_killed_its_partitions_are_predicted_again(
    topics: str, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    vitals, cut = WARD.vitals(), draw.uniform(0.3, 0.6)
    first, rest = vitals[: int(cut * len(vitals))], vitals[int(cut * len(vitals)) :]
    await send(topics, WARD.features())
    with (
        lemof(tmp_path / "one.log", "run", "--brokers", topics) as one,
        lemof(tmp_path / "two.log", "run", "--brokers", topics) as two,
    ):
        for runner in (one, two):
            await asyncio.to_thread(runner.wait_for, OPENED)
        await send(topics, first)
        before = await entries(topics)

        async def under_way() -> bool:
            return await entries(topics) != before

        await wait_until_async(under_way, FLOWN_S, "a transaction")
        killed, other = (one, two) if draw.random() < 0.5 else (two, one)
        killed.kill()
        killed_at = time.monotonic()
        held = await entries(topics)
        await send(topics, rest)

        async def all_again() -> bool:
            now = await entries(topics)
            return all(now[partition] > held[partition] for partition in held)

        await wait_until_async(all_again, FLOWN_S, "windows of every partition")
        print(f"seed {seed}: every partition again after {time.monotonic() - killed_at:.1f} s")
        await assert_nothing_lost_or_twice(topics, WARD, FLOWN_S)
        assert other.stop() == 0
