"""Module 2 of the paper: level-guided multimodal fusion.

    E members, R rows, M modalities, L levels, D width of the fused space, K tasks

The best k levels of each modality, weighted by their importance, make the modality's token; the tokens attend to each
other; a modality that was never seen, or is stale, is masked out of every attention, never filled with zeros.

The paper leaves open how levels are chosen and weighted and what the attention is: options, the default first.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from lemof_stream.model.members import Dropout, MemberLinear, normalised

LevelChoice = Literal["importance", "last", "all", "random"]
LevelWeighting = Literal["importance", "equal"]
Attention = Literal["self", "cross", "gated", "none"]
"""self: tokens of all modalities attend to each other, cross: each to the others only, gated: a learnt gate a modality
in the place of attention, none: the mean of the tokens."""


class BestLevels(nn.Module):
    """The k most important levels of one modality as one token: L levels [E, R, Dm] -> [E, R, D].

    `share` [L]: importance over tasks, zero but for the chosen, summing to 1; set from the stacking meta-learner.
    """

    share: Tensor

    def __init__(self, members: int, width: int, levels: int, fused: int) -> None:
        super().__init__()
        self.register_buffer("share", torch.full((levels,), 1 / levels))
        self.maps = nn.ModuleList(MemberLinear(members, width, fused) for _ in range(levels))

    def choose(
        self,
        importance: Tensor,
        k: int,
        choice: LevelChoice = "importance",
        weighting: LevelWeighting = "importance",
        random: torch.Generator | None = None,
    ) -> None:
        """Keep k levels, weighted by importance [L, K], averaged over the tasks.

        choice: the k most important, the `last` k, k at `random`, or `all` whatever k is.
        """
        mean = importance.mean(1)
        order = {
            "importance": mean.argsort(descending=True, stable=True),
            "last": torch.arange(len(mean)).flip(0),
            "random": torch.randperm(len(mean), generator=random),
            "all": torch.arange(len(mean)),
        }
        chosen = order[choice][: len(mean) if choice == "all" else k]
        weight = mean[chosen] if weighting == "importance" else torch.ones_like(mean[chosen])
        share = torch.zeros_like(mean)
        share[chosen] = weight / weight.sum()
        self.share.copy_(share)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """One product of the chosen levels side by side: the sum of each one's map, times its share."""
        chosen = [(i, share) for i, share in enumerate(self.share.tolist()) if share > 0]
        side_by_side = torch.cat([normalised(levels[i]) for i, _ in chosen], -1)
        weight = torch.cat([share * self.maps[i].weight for i, share in chosen], 1)
        bias = torch.stack([share * self.maps[i].bias for i, share in chosen]).sum(0)
        return torch.baddbmm(bias, side_by_side, weight)


class CrossModalAttention(nn.Module):
    """Tokens of the modalities attend to each other: [E, R, M, D] and seen [R, M] -> fused f [E, R, D].

    `own` [M, M]: whom a modality may attend to; without itself in `cross`.
    """

    own: Tensor

    def __init__(self, members: int, width: int, modalities: int, *, cross: bool) -> None:
        super().__init__()
        self.width = width
        others = ~torch.eye(modalities, dtype=torch.bool)
        self.register_buffer("own", others if cross else torch.ones_like(others), persistent=False)
        self.kind = nn.Parameter(torch.zeros(members, 1, modalities, width))
        self.qkv = MemberLinear(members, width, 3 * width)
        self.out = MemberLinear(members, width, width)

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        members, rows, modalities, width = tokens.shape
        tokens = tokens + self.kind
        flat = normalised(tokens.view(members, rows * modalities, width))
        query, key, value = self.qkv(flat).view(members, rows, modalities, 3 * width).chunk(3, -1)
        # Products of single rows: a matrix product of matrices this small costs several times as much.
        scores = (query.unsqueeze(3) * key.unsqueeze(2)).sum(-1) / math.sqrt(self.width)  # [E, R, M, M]
        scores = scores.permute(2, 3, 0, 1).contiguous()  # [M, M, E, R]: long runs for what follows
        open_to = (seen.unsqueeze(1) & self.own).float()  # [R, M, M]
        scores = scores + (open_to.permute(1, 2, 0).unsqueeze(2) - 1) * 1e4  # the unseen get no attention
        # The mean over the seen modalities is taken before the output's map, which is linear.
        weight = _weight_of_seen(seen)
        asks = weight * open_to.amax(-1)  # who has nobody to attend to keeps its token
        attention = (scores.softmax(1) * asks.T.view(modalities, 1, 1, rows)).sum(0)  # [M, E, R]
        mixed = _weighted(attention, value)
        bias = asks.sum(1, keepdim=True) * self.out.bias
        kept = _weighted(weight.T.unsqueeze(1), tokens)
        return kept + torch.baddbmm(bias, mixed, self.out.weight)


class GatedTokens(nn.Module):
    """A learnt gate a modality and row: [E, R, M, D] and seen [R, M] -> fused f [E, R, D]."""

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        self.gate = MemberLinear(members, width, 1)

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        gate: Tensor = self.gate(normalised(tokens.flatten(1, 2))).view(tokens.shape[:3])
        weight: Tensor = (gate + (seen.float() - 1) * 1e4).softmax(-1) * seen
        return _weighted(weight.permute(2, 0, 1), tokens)


class MeanTokens(nn.Module):
    """The mean of the seen tokens: [E, R, M, D] and seen [R, M] -> fused f [E, R, D]."""

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        return _weighted(_weight_of_seen(seen).T.unsqueeze(1), tokens)


def _weighted(weight: Tensor, tokens: Tensor) -> Tensor:
    """Weights [M, E or 1, R] of tokens [E, R, M, D] -> their sum [E, R, D]."""
    parts = [w.unsqueeze(-1) * token for w, token in zip(weight.unbind(0), tokens.unbind(2), strict=True)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _weight_of_seen(seen: Tensor) -> Tensor:
    """Equal weights [R, M] of the seen modalities, zero for the others."""
    present = seen.float()
    return present / present.sum(1, keepdim=True).clamp(min=1)


def make_attention(kind: Attention, members: int, width: int, modalities: int) -> nn.Module:
    """What turns the modalities' tokens into one fused representation."""
    if kind == "none":
        return MeanTokens()
    if kind == "gated":
        return GatedTokens(members, width)
    return CrossModalAttention(members, width, modalities, cross=kind == "cross")


class LevelGuidedFusion(nn.Module):
    """Levels of every modality -> fused logits [E, R, K]."""

    def __init__(
        self,
        members: int,
        widths: list[int],
        levels: list[int],
        fused: int,
        tasks: int,
        dropout: float,
        attention: Attention,
    ) -> None:
        super().__init__()
        self.best = [
            BestLevels(members, width, count, fused) for width, count in zip(widths, levels, strict=True)
        ]
        self.best_levels = nn.ModuleList(self.best)  # the same objects, registered
        self.attention = make_attention(attention, members, fused, len(widths))
        self.drop = Dropout(dropout)
        self.mix = MemberLinear(members, fused, fused)
        self.head = MemberLinear(members, fused, tasks)

    def forward(self, levels: list[list[Tensor]], seen: Tensor) -> Tensor:
        tokens = torch.stack([best(own) for best, own in zip(self.best, levels, strict=True)], 2)
        f = self.attention(self.drop(tokens), seen)
        f = f + nn.functional.silu(self.mix(normalised(f)))
        logits: Tensor = self.head(self.drop(f))
        return logits
