"""Module 2 of the paper: level-guided multimodal fusion.

    E members, R rows, M modalities, L levels, D width of the fused space, K tasks

The best k levels of each modality, weighted by their importance, make the modality's token; the tokens attend to each
other; a modality that was never seen is masked out of every attention, never filled with zeros.
"""

import math

import torch
from torch import Tensor, nn

from lemof_stream.model.members import Dropout, MemberLinear, normalised


class BestLevels(nn.Module):
    """The k most important levels of one modality as one token: L levels [E, R, Dm] -> [E, R, D].

    `share` [L]: importance over tasks, zero but for the best k, summing to 1; set from the stacking meta-learner.
    """

    share: Tensor

    def __init__(self, members: int, width: int, levels: int, fused: int) -> None:
        super().__init__()
        self.register_buffer("share", torch.full((levels,), 1 / levels))
        self.maps = nn.ModuleList(MemberLinear(members, width, fused) for _ in range(levels))

    def choose(self, importance: Tensor, k: int) -> None:
        """Keep the best k, or all there are, by importance [L, K], averaged over the tasks."""
        mean = importance.mean(1)
        best = mean.topk(min(k, len(mean))).indices
        share = torch.zeros_like(mean)
        share[best] = mean[best] / mean[best].sum()
        self.share.copy_(share)

    def forward(self, levels: list[Tensor]) -> Tensor:
        chosen = [i for i, share in enumerate(self.share.tolist()) if share > 0]
        parts = [self.share[i] * self.maps[i](normalised(levels[i])) for i in chosen]
        return torch.stack(parts).sum(0)


class CrossModalAttention(nn.Module):
    """Tokens of the modalities attend to each other: [E, R, M, D] and seen [R, M] -> fused f [E, R, D]."""

    def __init__(self, members: int, width: int, modalities: int) -> None:
        super().__init__()
        self.width = width
        self.kind = nn.Parameter(torch.zeros(members, 1, modalities, width))
        self.qkv = MemberLinear(members, width, 3 * width)
        self.out = MemberLinear(members, width, width)

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        members, rows, modalities, width = tokens.shape
        tokens = tokens + self.kind
        flat = normalised(tokens.reshape(members, rows * modalities, width))
        query, key, value = self.qkv(flat).view(members, rows, modalities, 3 * width).chunk(3, -1)
        scores = query @ key.transpose(-1, -2) / math.sqrt(width)  # [E, R, M, M]
        present = seen.float()
        scores = scores + (present.view(1, rows, 1, modalities) - 1) * 1e4  # the unseen get no attention
        mixed: Tensor = scores.softmax(-1) @ value
        mixed = self.out(mixed.reshape(members, rows * modalities, width)).view(tokens.shape)
        weight = present / present.sum(1, keepdim=True).clamp(min=1)
        return ((tokens + mixed) * weight.view(1, rows, modalities, 1)).sum(2)


class LevelGuidedFusion(nn.Module):
    """Levels of every modality -> fused logits [E, R, K]."""

    def __init__(
        self, members: int, widths: list[int], levels: list[int], fused: int, tasks: int, dropout: float
    ) -> None:
        super().__init__()
        self.best = [
            BestLevels(members, width, count, fused) for width, count in zip(widths, levels, strict=True)
        ]
        self.best_levels = nn.ModuleList(self.best)  # the same objects, registered
        self.attention = CrossModalAttention(members, fused, len(widths))
        self.drop = Dropout(dropout)
        self.mix = MemberLinear(members, fused, fused)
        self.head = MemberLinear(members, fused, tasks)

    def forward(self, levels: list[list[Tensor]], seen: Tensor) -> Tensor:
        tokens = torch.stack([best(own) for best, own in zip(self.best, levels, strict=True)], 2)
        f = self.attention(self.drop(tokens), seen)
        f = f + nn.functional.silu(self.mix(normalised(f)))
        logits: Tensor = self.head(self.drop(f))
        return logits
