"""What is to be predicted at every step of a recorded stay.

N stays, T steps, K tasks, M known step targets
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lemof_stream.cohorts import Cohort
from lemof_stream.model import TaskSet


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
