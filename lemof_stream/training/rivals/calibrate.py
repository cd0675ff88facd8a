"""One calibration and one readout for all rivals: what differs between them is what they learnt.

N stays, T steps, K tasks
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lemof_stream.model.readout import AnyReadout, make_readout
from lemof_stream.model.tasks import TaskSet
from lemof_stream.training.fit import fit_duration, fit_interval, fit_temperature
from lemof_stream.training.rivals.rival import Answer


@dataclass(frozen=True)
class Calibration:
    """temperature [K], and the readout of the task set with its fitted duration."""

    temperature: Tensor
    readout: AnyReadout

    def columns(self, answer: Answer, hours: Tensor) -> dict[str, Tensor]:
        """The published columns [N, T] of answers at `hours` [N, T] since admission."""
        shape = hours.shape
        probabilities = (answer.logits.double() / self.temperature).sigmoid().flatten(0, 1)
        columns = self.readout(probabilities, hours.flatten().double())
        columns = {name: column.view(shape) for name, column in columns.items()}
        if answer.duration is not None:
            columns |= _around(answer.duration.double(), columns)
        return columns


def calibrate(
    tasks: TaskSet, held_out: Answer, target: Tensor, duration: Tensor, hours: Tensor
) -> Calibration:
    """Fit on held-out answers: target [N, T, K], duration and hours since admission [N, T]."""
    asked = ~held_out.logits.isnan().any(-1)
    logits = held_out.logits[asked].double()
    temperature = fit_temperature(logits, target[asked])
    readout = make_readout(tasks)
    if readout.duration is not None:
        fit_duration(readout.duration, duration[~duration.isnan()])
        beyond = (logits / temperature)[:, -len(tasks.edges) :].sigmoid()
        own = hours[asked].double()
        fit_interval(readout.duration, beyond, readout.passed(own), own, duration[asked])
    return Calibration(temperature, readout)


def _around(point: Tensor, columns: dict[str, Tensor]) -> dict[str, Tensor]:
    """A direct prediction of the duration as the point column, the interval stretched to hold it."""
    name, low, high = list(columns)[-3:]
    return {
        name: point,
        low: torch.minimum(columns[low], point),
        high: torch.maximum(columns[high], point),
    }
