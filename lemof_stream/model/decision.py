"""Module 3 of the paper: integrated decision modelling.

    R rows, M modalities, L levels of all modalities, K tasks; float64 throughout

Every global modality-level prediction g[m] (the stable part), the boosted level, and the fused logits (the
discriminative part) contribute to one logit a task, each as a weighted distance from its background, so that a masked
modality contributes nothing and shares of the decision can be read off.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Parts = Literal["all", "without g", "without boosted", "without fused"]
"""What is integrated: left out, a part says nothing, so that what it adds can be told."""


@dataclass(frozen=True)
class Decision:
    """Calibrated logits [R, K], shares of modalities [R, M], of levels [R, L + 1] (boosted last), of stability [R]."""

    logits: Tensor
    modality_share: Tensor
    level_share: Tensor
    stability_share: Tensor


class IntegratedDecision(nn.Module):
    """Weights over the parts, a bias and, last, a temperature a task: all fitted on held-out predictions.

    `weight`, `background` [M + 2, K]: of each g[m], of the boosted level, of the fused logits. The temperature divides
    the sum, so it changes probabilities but neither their order nor the shares.
    """

    weight: Tensor
    background: Tensor
    bias: Tensor
    temperature: Tensor
    used: Tensor

    def __init__(self, modalities: int, tasks: int, parts: Parts = "all") -> None:
        super().__init__()
        double = torch.float64
        used = [parts != "without g"] * modalities + [parts != "without boosted", parts != "without fused"]
        self.register_buffer("used", torch.tensor(used), persistent=False)
        # Before it is fitted, and what the fit is pulled towards: equal shares to g, to the boosted level, to f.
        share = 1 / (3 if parts == "all" else 2)
        start = torch.tensor([share / modalities] * modalities + [share, share], dtype=double) * self.used
        self.register_buffer("weight", start.unsqueeze(1).repeat(1, tasks))
        self.register_buffer("background", torch.zeros(modalities + 2, tasks, dtype=double))
        self.register_buffer("bias", torch.zeros(tasks, dtype=double))
        self.register_buffer("temperature", torch.ones(tasks, dtype=double))

    def parts(self, g: Tensor, boosted: Tensor, fused: Tensor, seen: Tensor) -> Tensor:
        """Distances from the background [R, M + 2, K]: of each g [R, M, K], of both others [R, K]; zero where a
        modality is unseen or a part is left out.
        """
        both = torch.stack([boosted, fused], 1)
        away = torch.cat([g, both], 1) - self.background
        present = torch.cat([seen, torch.ones_like(seen[:, :1]).expand(-1, 2)], 1) & self.used
        return away * present.unsqueeze(-1)

    def combine(self, parts: Tensor) -> Tensor:
        """Parts [R, M + 2, K] -> logits [R, K], before the temperature."""
        return (parts * self.weight).sum(1) + self.bias

    def forward(self, parts: Tensor, seen: Tensor, shapley: list[Tensor], boosted_share: Tensor) -> Decision:
        """`shapley`: a tensor [Lm, R, K] for each modality; `boosted_share` [M]: whose features the trees ask."""
        size = (parts * self.weight).abs().mean(-1)  # [R, M + 2]
        own = [
            (values * self.weight[m]).abs().mean(-1).T * seen[:, m : m + 1]
            for m, values in enumerate(shapley)  # [R, Lm]
        ]
        boosted = size[:, -2:-1]
        asked = boosted_share * seen
        asked = asked / asked.sum(1, keepdim=True).clamp(
            min=1e-12
        )  # an unseen modality's features say nothing
        modality = torch.stack([levels.sum(1) for levels in own], 1) + boosted * asked
        return Decision(
            logits=self.combine(parts) / self.temperature,
            modality_share=_shares(modality),
            level_share=_shares(torch.cat([*own, boosted], 1)),
            stability_share=_shares(torch.stack([size[:, :-1].sum(1), size[:, -1]], 1))[:, 0],
        )


def _shares(size: Tensor) -> Tensor:
    """[R, n] non-negative sizes as shares of their sum; equal shares where all are zero."""
    size = size + 1e-12
    return size / size.sum(1, keepdim=True)
