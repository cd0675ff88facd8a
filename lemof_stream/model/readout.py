"""From calibrated probabilities of the tasks to the published columns.

R rows, K tasks, J edges; float64 throughout
"""

import torch
from torch import Tensor, nn

from lemof_stream.model.duration import Duration
from lemof_stream.model.tasks import TaskSet

HOURS_A_DAY = 24


class StayReadout(nn.Module):
    """Death, and the hospital length of stay in days given that the patient is still here."""

    def __init__(self, tasks: TaskSet) -> None:
        super().__init__()
        self.tasks, self.duration = tasks, Duration(tasks.edges)

    def forward(self, probabilities: Tensor, hours: Tensor) -> dict[str, Tensor]:
        passed = self.passed(hours)
        weight = self.duration.weights(probabilities[:, 1:], passed)
        point = self.duration.expected(weight, passed)
        low, high = self.duration.bounds(weight, passed, hours, point)
        beyond = self.duration.beyond(weight).unbind(1)
        values = (probabilities[:, 0], *beyond, point, low, high)
        return dict(zip(self.tasks.columns, values, strict=True))

    def passed(self, hours: Tensor) -> Tensor:
        """Days since admission: the duration began then."""
        return hours / HOURS_A_DAY


class RemainingReadout(nn.Module):
    """Hours that remain from now on."""

    def __init__(self, tasks: TaskSet) -> None:
        super().__init__()
        self.tasks, self.duration = tasks, Duration(tasks.edges)

    def forward(self, probabilities: Tensor, hours: Tensor) -> dict[str, Tensor]:
        passed = self.passed(hours)
        weight = self.duration.weights(probabilities, passed)
        point = self.duration.middle(weight, passed)
        low, high = self.duration.bounds(weight, passed, hours, point)
        return dict(zip(self.tasks.columns, (point, low, high), strict=True))

    def passed(self, hours: Tensor) -> Tensor:
        """None: the duration begins now."""
        return torch.zeros_like(hours)


class RiskReadout(nn.Module):
    """One probability a task, as it is."""

    duration = None

    def __init__(self, tasks: TaskSet) -> None:
        super().__init__()
        self.tasks = tasks

    def forward(self, probabilities: Tensor, hours: Tensor) -> dict[str, Tensor]:  # noqa: ARG002
        return dict(zip(self.tasks.columns, probabilities.unbind(1), strict=True))


AnyReadout = StayReadout | RemainingReadout | RiskReadout


def make_readout(tasks: TaskSet) -> AnyReadout:
    """The readout that a task set names."""
    if tasks.readout == "stay":
        return StayReadout(tasks)
    return RemainingReadout(tasks) if tasks.readout == "remaining" else RiskReadout(tasks)
