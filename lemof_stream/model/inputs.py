"""What the model takes in and gives back, for one step or a whole stay.

B rows, T steps (absent in `step`), C channels (vitals, then EHR), S demographics
"""

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

State = dict[str, Tensor]
"""Everything that runs over a stay, each tensor with a leading slot axis."""


@dataclass(frozen=True)
class StepInputs:
    """Summaries of steps. NaN: unseen, unknown.

    median, last: [B, C] or [B, T, C], the step's median and last value in the channel's unit
    static:       [B, S] or [B, T, S], demographics of the stay
    step:         [B] or [B, T], 1 for the first
    minutes_open: [B] or [B, T], how much of the step has passed; its whole length once it is closed
    """

    median: Tensor
    last: Tensor
    static: Tensor
    step: Tensor
    minutes_open: Tensor

    def at(self, t: int) -> Self:
        """Step t (from 0) of whole stays."""
        return type(self)(**{f.name: getattr(self, f.name)[:, t] for f in fields(self)})

    def rows(self, index: Tensor | slice) -> Self:
        """Some of the rows."""
        return type(self)(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


@dataclass(frozen=True)
class StepOutput:
    """Predictions and where they came from; [B] or [B, T] leads every tensor.

    columns:         the published columns, float64 [B]
    modality_share:  [B, modalities], sums to 1
    level_share:     [B, levels of all modalities], absolute Shapley values, sums to 1
    stability_share: [B], what the global modality-level predictions contributed; the rest is the fused part's
    """

    columns: dict[str, Tensor]
    modality_share: Tensor
    level_share: Tensor
    stability_share: Tensor

    def rows(self, index: list[int]) -> Self:
        """Some of the rows."""
        return type(self)(
            columns={name: column[index] for name, column in self.columns.items()},
            modality_share=self.modality_share[index],
            level_share=self.level_share[index],
            stability_share=self.stability_share[index],
        )


def stack_outputs(outputs: list[StepOutput]) -> StepOutput:
    """Outputs of consecutive steps as one with a T axis."""
    return StepOutput(
        columns={name: torch.stack([o.columns[name] for o in outputs], 1) for name in outputs[0].columns},
        modality_share=torch.stack([o.modality_share for o in outputs], 1),
        level_share=torch.stack([o.level_share for o in outputs], 1),
        stability_share=torch.stack([o.stability_share for o in outputs], 1),
    )
