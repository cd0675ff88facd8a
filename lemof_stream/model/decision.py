"""Module 3 of the paper: integrated decision modelling.

    R rows, M modalities, L levels of all modalities, K tasks; float64 throughout

Every global modality-level prediction g[m] (the stable part) and the fused logits (the discriminative part) contribute
to one logit a task, each as a weighted distance from its background, so that a masked modality contributes nothing
and shares of the decision can be read off.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Decision:
    """Calibrated logits [R, K], shares of modalities [R, M], of levels [R, L], and of stability [R]."""

    logits: Tensor
    modality_share: Tensor
    level_share: Tensor
    stability_share: Tensor


class IntegratedDecision(nn.Module):
    """Weights over g and the fused logits, a bias and, last, a temperature a task: all fitted on held-out predictions.

    The temperature divides the sum, so it changes probabilities but neither their order nor the shares.
    """

    stable: Tensor
    fused: Tensor
    bias: Tensor
    stable_background: Tensor
    fused_background: Tensor
    temperature: Tensor

    def __init__(self, modalities: int, tasks: int) -> None:
        super().__init__()
        double = torch.float64
        self.register_buffer("stable", torch.full((modalities, tasks), 0.25, dtype=double))
        self.register_buffer("fused", torch.full((tasks,), 0.5, dtype=double))
        self.register_buffer("bias", torch.zeros(tasks, dtype=double))
        self.register_buffer("stable_background", torch.zeros(modalities, tasks, dtype=double))
        self.register_buffer("fused_background", torch.zeros(tasks, dtype=double))
        self.register_buffer("temperature", torch.ones(tasks, dtype=double))

    def parts(self, g: Tensor, fused: Tensor, seen: Tensor) -> Tensor:
        """Distances from the background [R, M + 1, K]: of each g [R, M, K], zero where unseen, and of fused [R, K]."""
        stable = (g - self.stable_background) * seen.unsqueeze(-1)
        return torch.cat([stable, (fused - self.fused_background).unsqueeze(1)], 1)

    def forward(self, g: Tensor, fused: Tensor, seen: Tensor, shapley: list[Tensor]) -> Decision:
        """`shapley`: a tensor [Lm, R, K] for each modality."""
        weights = torch.cat([self.stable, self.fused.unsqueeze(0)])
        contributions = self.parts(g, fused, seen) * weights
        size = contributions.abs().mean(-1)  # [R, M + 1]
        levels = torch.stack(
            [
                (level * self.stable[m]).abs().mean(-1) * seen[:, m]
                for m, own in enumerate(shapley)
                for level in own
            ],
            1,
        )
        level_share = _shares(levels)
        modality_share = torch.stack(
            [part.sum(1) for part in torch.split(level_share, [len(own) for own in shapley], 1)], 1
        )
        return Decision(
            logits=(contributions.sum(1) + self.bias) / self.temperature,
            modality_share=modality_share,
            level_share=level_share,
            stability_share=_shares(torch.stack([size[:, :-1].sum(1), size[:, -1]], 1))[:, 0],
        )


def _shares(size: Tensor) -> Tensor:
    """[R, n] non-negative sizes as shares of their sum; equal shares where all are zero."""
    size = size + 1e-12
    return size / size.sum(1, keepdim=True)
