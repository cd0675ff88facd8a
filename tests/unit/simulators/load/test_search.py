"""The search for the most beds that hold an objective, against systems whose capacity is known."""

import numpy as np
import pytest

from simulators.load.objective import Verdict
from simulators.load.plan import Plan
from simulators.load.processes import Generated
from simulators.load.results import Run, latency_of
from simulators.load.search import search


def outcome(beds: int, capacity: int) -> Run:
    held = beds <= capacity
    verdict = Verdict(objective="p99=1ms", percentile=99, limit=1, held=held, found=float(beds), reason="")
    return Run(
        plan=Plan(profile="steady", beds=beds, seconds=5, every_s=5),
        counted_from_s=1,
        generated=Generated(
            processes=1, windows=1, seconds=5, behind_p50_ms=1, behind_p99_ms=1, cpu=0.1, invalid=None
        ),
        answered_per_s=1,
        latency=latency_of(np.array([1.0]))[0],
        largest_lag=0,
        interval_s=1,
        over_time=[],
        sights=[],
        verdicts=[verdict],
    )


@pytest.mark.parametrize("capacity", [1, 2, 3, 17, 100, 999, 5000])
@pytest.mark.parametrize("first", [1, 100, 3000])
async def test_it_comes_within_a_twentieth_of_the_capacity_from_below(capacity: int, first: int) -> None:
    async def attempt(beds: int) -> Run:
        return outcome(beds, capacity)

    runs, best = await search(attempt, first)
    assert best is not None
    found = runs[best].plan.beds
    assert found <= capacity <= found + max(0.05 * found, 1)
    assert len(runs) < 25


async def test_nothing_is_found_where_one_bed_is_too_many() -> None:
    async def attempt(beds: int) -> Run:
        return outcome(beds, 0)

    runs, best = await search(attempt, 8)
    assert best is None
    assert runs[-1].plan.beds == 1
