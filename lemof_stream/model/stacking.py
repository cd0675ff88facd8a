"""Module 1 of the paper: modality-aware level stacking.

    E members, R rows, L levels of one modality, D width, K tasks

Every level has a linear head (deep supervision): level logits z [L, R, K]. A linear meta-learner per modality, fitted
on out-of-fold level logits, turns them into the global modality-level prediction g [R, K]. As it is linear, the Shapley
value of a level in g against the mean level logits has a closed form: w_l * (z_l - mean z_l).
"""

import torch
from torch import Tensor, nn

from lemof_stream.model.members import MemberLinear


class LevelHeads(nn.Module):
    """A linear head for each level: L levels [E, R, D] -> z [L, E, R, K]."""

    def __init__(self, members: int, width: int, levels: int, tasks: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(MemberLinear(members, width, tasks) for _ in range(levels))

    def forward(self, levels: list[Tensor]) -> Tensor:
        return torch.stack([head(level) for head, level in zip(self.heads, levels, strict=True)])


class StackingMetaLearner(nn.Module):
    """z [L, R, K] -> g [R, K]: weight [L, K] and bias [K] are fitted, `background` [L, K] is the mean of z."""

    weight: Tensor
    bias: Tensor
    background: Tensor
    importance: Tensor

    def __init__(self, levels: int, tasks: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.full((levels, tasks), 1 / levels))
        self.register_buffer("bias", torch.zeros(tasks))
        self.register_buffer("background", torch.zeros(levels, tasks))
        self.register_buffer("importance", torch.full((levels, tasks), 1 / levels))

    def forward(self, z: Tensor) -> Tensor:
        return (z * self.weight.unsqueeze(1)).sum(0) + self.bias

    def shapley(self, z: Tensor) -> Tensor:
        """Exact Shapley values [L, R, K]; over l they sum to g minus g at the background."""
        return self.weight.unsqueeze(1) * (z - self.background.unsqueeze(1))

    def measure_importance(self, z: Tensor) -> Tensor:
        """Level importance a [L, K]: the mean absolute Shapley value over held-out rows, summing to 1 over l."""
        size = self.shapley(z).abs().mean(1)
        return size / size.sum(0).clamp(min=1e-12)
