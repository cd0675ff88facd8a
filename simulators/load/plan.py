"""What a load test sends when: settled before it begins, so that a slow system cannot slow the load down.

Shapes: N windows in the order in which they are due.
"""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lemof_stream.errors import ConfigError

Profile = Literal["steady", "ramp", "burst", "diurnal", "storm"]
PROFILES: Final[tuple[str, ...]] = get_args(Profile)

_BURSTS: Final = 3
_BURST_S: Final = 3.0
_BURST_FACTOR: Final = 4.0
"""Times the base rate: as when a gateway catches up with a short outage, or a ward is transferred at once."""
_BURST_SHARE: Final = 0.25  # of the time between bursts, at most: there has to be a base
_DAY_SWING: Final = (
    0.6  # a full unit at noon sends 1.6 times its mean, at midnight 0.4 times: peak-hour planning
)
_OUTAGE_S: Final = 15.0
_OUTAGE_SHARE: Final = 0.25
"""A storm is preceded by an outage of so many seconds, at most this share of the run."""
_RECONNECT_S: Final = 0.5  # within which clients find a network again that came back for all of them at once
_MILLISECOND: Final = 0.001  # what event times are rounded to; windows of a bed are told apart by them


class Plan(BaseModel):
    """The load. `every_s`: seconds from a window of a bed to its next at the base rate."""

    model_config = ConfigDict(frozen=True)

    profile: Profile
    beds: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(ge=5)]
    every_s: Annotated[float, Field(ge=0.05)]
    seed: int = 0

    @property
    def base_rate(self) -> float:
        """Windows a second of all beds."""
        return self.beds / self.every_s


@dataclass(frozen=True)
class Schedule:
    """Every window of a run. Times are since its begin."""

    due_s: NDArray[np.float64]
    """[N] when it is to be sent, ascending."""
    end_ms: NDArray[np.int64]
    """[N] when its measurement ended, its event time; grows strictly within a bed. Earlier than when it is due where
    the bed was cut off."""
    bed: NDArray[np.int64]
    """[N] the row of its bed."""

    def __len__(self) -> int:
        return len(self.due_s)


def profile_of(name: str) -> Profile:
    """The profile of this name.

    Raises:
        ConfigError: there is none.
    """
    for profile in get_args(Profile):
        if name == profile:
            found: Profile = profile
            return found
    raise ConfigError(f"--profile {name} is none: choose one of {', '.join(PROFILES)}.")


def schedule(plan: Plan, share: int = 0, shares: int = 1) -> Schedule:
    """The windows of the beds whose row leaves the remainder `share` when divided by `shares`: all, by default."""
    at_s, sent = _rate(plan)
    windows = sent / plan.every_s  # of one bed, at these times
    phase = np.random.default_rng(plan.seed).random(plan.beds)
    beds = np.arange(share, plan.beds, shares)
    count = np.ceil(windows[-1] - phase[beds]).clip(min=0).astype(np.int64)
    bed = np.repeat(beds, count)
    turn = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    end_ms = np.floor(np.interp(phase[bed] + turn, windows, at_s) / _MILLISECOND).astype(np.int64)
    if plan.profile == "ramp":  # bed after bed is plugged in
        on = end_ms * _MILLISECOND >= bed / plan.beds * plan.seconds
        bed, end_ms = bed[on], end_ms[on]
    due_s = end_ms * _MILLISECOND
    if plan.profile == "storm":
        due_s = _held_back(plan, due_s, bed)
    order = np.lexsort((end_ms, due_s))
    return Schedule(due_s[order], end_ms[order], bed[order])


def _rate(plan: Plan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points in time, and how many seconds at the base rate send as much as was sent until then."""
    at_s = np.linspace(0.0, plan.seconds, max(int(plan.seconds * 100), 2) + 1)
    if plan.profile == "diurnal":  # midnight to midnight
        swing = _DAY_SWING * plan.seconds / (2 * np.pi) * np.sin(2 * np.pi * at_s / plan.seconds)
        return at_s, at_s - swing
    if plan.profile == "burst":
        apart = plan.seconds / _BURSTS
        length = min(_BURST_S, _BURST_SHARE * apart)
        edges = [0.0]
        for number in range(_BURSTS):
            middle = (number + 0.5) * apart
            edges += [middle - length / 2, middle + length / 2]
        edges.append(plan.seconds)
        factors = [1.0, *[_BURST_FACTOR, 1.0] * _BURSTS]
        return np.array(edges), np.concatenate([[0.0], np.cumsum(np.diff(edges) * factors)])
    return at_s, at_s


def _held_back(plan: Plan, due_s: NDArray[np.float64], bed: NDArray[np.int64]) -> NDArray[np.float64]:
    """Who is cut off in the middle of the run keeps its windows, and sends all of them when it is back."""
    back = plan.seconds / 2
    gone = back - min(_OUTAGE_S, _OUTAGE_SHARE * plan.seconds)
    found = back + _RECONNECT_S * np.random.default_rng(plan.seed + 1).random(plan.beds)[bed]
    return np.where((due_s >= gone) & (due_s < found), found, due_s)
