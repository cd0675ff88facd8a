"""The largest number of beds that holds an objective: doubling until it fails, then halving the gap."""

from collections.abc import Awaitable, Callable
from typing import Final

from simulators.load.results import Run

_NEAR: Final = 0.05
"""The gap between what holds and what does not, as a share, at which the search ends: runs of the same load differ by
more on a machine that others use."""


async def search(attempt: Callable[[int], Awaitable[Run]], first: int) -> tuple[list[Run], int | None]:
    """Every run in its order, and the place of that with the most beds that held; None where one bed is too many.

    `attempt` runs a number of beds, `first` is the number to begin with.
    """
    runs: list[Run] = []
    holds, fails = 0, None
    beds = first
    while fails is None or fails - holds > max(_NEAR * holds, 1):
        runs.append(await attempt(beds))
        if runs[-1].held:
            holds = beds
        else:
            fails = beds
        beds = beds * 2 if fails is None else (holds + fails) // 2
    best = [place for place, run in enumerate(runs) if run.held and run.plan.beds == holds]
    return runs, best[-1] if best else None
