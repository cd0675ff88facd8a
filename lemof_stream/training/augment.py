"""A second view of the training stays: beds that are watched more closely, steps that are still open.

    N stays, T steps, C channels

In half of the stays every vital sign is held and seen in every step once it was measured, as a monitor sends it, so
that a bed does not look sicker for being watched. Half of the steps are cut off at a random minute, so that provisional
predictions are as calibrated as final ones; the steps before an open one are closed.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lemof_stream.cohorts import Cohort
from lemof_stream.model.inputs import StepInputs
from lemof_stream.model.schema import InputSchema
from lemof_stream.training.dataset import step_data


@dataclass(frozen=True)
class SecondView:
    """`closed`: the steps as they enter history; `now`: the same steps as predictions see them, half of them open."""

    closed: StepInputs
    now: StepInputs


def second_view(cohort: Cohort, charted: StepInputs, schema: InputSchema, seed: int) -> SecondView:
    """Draw a second view of the stays whose inputs are `charted`."""
    random = torch.Generator().manual_seed(seed)
    stays, steps = charted.step.shape
    dense = torch.rand(stays, 1, 1, generator=random) < 0.5
    minutes = torch.randint(1, schema.step_minutes + 1, (stays, steps), generator=random).double()
    minutes[torch.rand(stays, steps, generator=random) < 0.5] = schema.step_minutes
    cut, vitals = step_data(cohort, schema, minutes, steps).inputs, len(schema.vitals)
    closed = hold_vitals(charted, dense, vitals)
    before = torch.cat([torch.full_like(closed.last[:, :1], torch.nan), closed.last[:, :-1]], 1)
    return SecondView(closed, _fill(cut, before, dense, vitals))


def hold_vitals(inputs: StepInputs, dense: Tensor, vitals: int) -> StepInputs:
    """In dense beds [N, 1, 1] every vital sign holds its last value; the first `vitals` channels are vital signs."""
    last = inputs.last.clone()
    for t in range(1, last.shape[1]):
        now = last[:, t]
        last[:, t] = torch.where(now.isnan(), last[:, t - 1], now)
    before = torch.cat([torch.full_like(last[:, :1], torch.nan), last[:, :-1]], 1)
    return _fill(inputs, before, dense, vitals)


def _fill(inputs: StepInputs, before: Tensor, dense: Tensor, vitals: int) -> StepInputs:
    """Vital signs that a dense bed did not measure in a step take the value from before it [N, T, C]."""
    held = inputs.median.isnan() & dense
    held[..., vitals:] = False
    median, last = (torch.where(held, before, value) for value in (inputs.median, inputs.last))
    return replace(inputs, median=median, last=last)
