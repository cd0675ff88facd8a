"""What is to be predicted at every step of a recorded stay.

N stays, T steps, K tasks, M known step targets
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lemof_stream.cohorts import Cohort
from lemof_stream.errors import DataError
from lemof_stream.model import TaskSet

FEWEST_KNOWN = 20
"""Stays of each outcome below which the folds hold two or three each and calibration means nothing."""


@dataclass(frozen=True)
class Targets:
    """binary [N, T, K]: 0 or 1; duration [N, T] in the task set's unit. NaN where unknown, or after the recording."""

    binary: Tensor
    duration: Tensor

    def known(self) -> Tensor:
        """[N, T] whether anything is known of a step."""
        return ~self.binary.isnan().all(-1)


def targets(cohort: Cohort, tasks: TaskSet, steps: int) -> Targets:
    """The targets of the first `steps` steps."""
    if tasks.readout == "stay":
        duration = torch.from_numpy(cohort.length_of_stay).unsqueeze(1).expand(-1, steps)
        death = torch.from_numpy(cohort.death).unsqueeze(1).expand(-1, steps)
        return Targets(torch.cat([death.unsqueeze(-1), _beyond(duration, tasks)], -1), duration)
    value = _step_values(cohort, steps)
    if tasks.readout == "remaining":
        return Targets(_beyond(value, tasks), value)
    return Targets(value.unsqueeze(-1), torch.full_like(value, torch.nan))


def _beyond(duration: Tensor, tasks: TaskSet) -> Tensor:
    """[N, T] -> [N, T, edges] whether it exceeds each edge."""
    longer = (duration.unsqueeze(-1) > torch.tensor(tasks.edges)).double()
    return torch.where(duration.isnan().unsqueeze(-1), torch.nan, longer)


def _step_values(cohort: Cohort, steps: int) -> Tensor:
    found = np.full((len(cohort), steps), np.nan)
    known = cohort.step_targets
    if known is not None:
        inside = known.step <= steps
        found[known.stay[inside], known.step[inside] - 1] = known.value[inside]
    return torch.from_numpy(found)


def check_targets(cohort: Cohort, tasks: TaskSet) -> None:
    """Refuse a cohort that knows too little of an outcome.

    Raises:
        DataError: fewer than `FEWEST_KNOWN` stays have it.
    """
    for name, stays in _outcomes(cohort, tasks).items():
        if stays < FEWEST_KNOWN:
            raise DataError(
                f"The cohort {cohort.name} has {stays} stays with {name}, fewer than the {FEWEST_KNOWN} that training "
                f"needs; check that the folder holds the outcomes, and enough stays."
            )


def _outcomes(cohort: Cohort, tasks: TaskSet) -> dict[str, int]:
    """How many stays have each outcome, in words."""
    bounds = list(pairwise((-np.inf, *tasks.edges, np.inf)))
    if tasks.readout == "stay":
        days = cohort.length_of_stay
        counts = {"death": int(np.sum(cohort.death == 1)), "survival": int(np.sum(cohort.death == 0))}
        return counts | {
            f"a length of stay {_between(*bound, tasks.unit)}": int(np.sum(_inside(days, *bound)))
            for bound in bounds
        }
    known = cohort.step_targets
    stay, value = (np.zeros(0), np.zeros(0)) if known is None else (known.stay, known.value)
    if tasks.readout == "remaining":
        return {
            f"a remaining stay {_between(*bound, tasks.unit)}": len(np.unique(stay[_inside(value, *bound)]))
            for bound in bounds
        }
    septic = len(np.unique(stay[value == 1]))
    return {"sepsis": septic, "steps that are known and none of them septic": len(np.unique(stay)) - septic}


def _inside(value: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    return (value > low) & (value <= high)


def _between(low: float, high: float, unit: str) -> str:
    if low == -np.inf:
        return f"of at most {high:g} {unit}"
    return f"of more than {low:g} {unit}" if high == np.inf else f"of {low:g} to {high:g} {unit}"
