"""Published fusions of the modalities' last levels (those of tokens that attend to each other are in `attention.py`).

    E members, R rows, M modalities (vitals, EHR), D width of a last level, H hidden width of the fusion, K tasks

H is chosen so that a rival has as many parameters as LeMoF's networks. A modality that was never seen is masked where
the published method has a way to leave it out, else its level is filled with zeros, as published; each class says so.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from lemof_stream.model.members import MemberLinear, normalised

BLOCKS = 2
"""Residual blocks of every multilayer perceptron here."""
RANK = 4
"""Of the low-rank tensor fusion; Liu et al. found 4 to suffice on two of three data sets."""


class Fusion(nn.Module):
    """Last levels of both modalities [E, R, D] and seen [R, M] -> logits [E, R, K]."""

    modality: ClassVar[int | None] = None
    """The only one that is read, if any."""

    def __init__(self, members: int, widths: list[int], hidden: int, tasks: int, dropout: float) -> None:
        super().__init__()
        self.members, self.widths, self.hidden, self.tasks = members, widths, hidden, tasks
        self.drop = nn.Dropout(dropout)
        self.build()

    def build(self) -> None:
        """Make the layers."""
        raise NotImplementedError

    def forward(self, levels: list[Tensor], seen: Tensor) -> Tensor:
        raise NotImplementedError

    def linear(self, inputs: int, outputs: int) -> MemberLinear:
        """A linear layer for each member."""
        return MemberLinear(self.members, inputs, outputs)


class ResidualMLP(nn.Module):
    """[E, R, D] -> logits [E, R, K] over `BLOCKS` residual blocks of width H."""

    def __init__(self, members: int, width: int, hidden: int, tasks: int, drop: nn.Dropout) -> None:
        super().__init__()
        self.input = MemberLinear(members, width, hidden)
        self.blocks = nn.ModuleList(MemberLinear(members, hidden, hidden) for _ in range(BLOCKS))
        self.head = MemberLinear(members, hidden, tasks)
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        h = self.input(x)
        for block in self.blocks:
            h = h + self.drop(nn.functional.silu(block(normalised(h))))
        logits: Tensor = self.head(h)
        return logits


def filled(levels: list[Tensor], seen: Tensor) -> list[Tensor]:
    """Normalised levels, zeros where the modality was never seen."""
    return [normalised(level) * seen[:, m : m + 1] for m, level in enumerate(levels)]


def masked_mean(values: Tensor, weight: Tensor) -> Tensor:
    """The mean of values [E, R, M, K] with weight [.., R, M], zero for the unseen; equal shares if nothing was seen."""
    weight = weight + 1e-6
    return (values * (weight / weight.sum(-1, keepdim=True)).unsqueeze(-1)).sum(-2)


class VitalsAlone(Fusion):
    """A residual MLP on the vitals' last level. Zeros if unseen."""

    modality: ClassVar[int] = 0

    def build(self) -> None:
        self.mlp = ResidualMLP(self.members, self.widths[self.modality], self.hidden, self.tasks, self.drop)

    def forward(self, levels: list[Tensor], seen: Tensor) -> Tensor:
        logits: Tensor = self.mlp(filled(levels, seen)[self.modality])
        return logits


class EhrAlone(VitalsAlone):
    """A residual MLP on the EHR's last level. Zeros if unseen."""

    modality: ClassVar[int] = 1


class EarlyFusion(Fusion):
    """One residual MLP on the concatenated levels. Zeros for the unseen."""

    def build(self) -> None:
        self.mlp = ResidualMLP(self.members, sum(self.widths), self.hidden, self.tasks, self.drop)

    def forward(self, levels: list[Tensor], seen: Tensor) -> Tensor:
        logits: Tensor = self.mlp(torch.cat(filled(levels, seen), -1))
        return logits


class LateFusion(Fusion):
    """The mean of the modalities' logits. The unseen is masked."""

    def build(self) -> None:
        self.mlps = nn.ModuleList(
            ResidualMLP(self.members, width, self.hidden, self.tasks, self.drop) for width in self.widths
        )

    def logits(self, levels: list[Tensor]) -> Tensor:
        """Of each modality: [E, R, M, K]."""
        return torch.stack([mlp(normalised(level)) for mlp, level in zip(self.mlps, levels, strict=True)], 2)

    def forward(self, levels: list[Tensor], seen: Tensor) -> Tensor:
        return masked_mean(self.logits(levels), seen.float())


class GatedLateFusion(LateFusion):
    """The modalities' logits weighed by a gate that sees both levels. The unseen is masked out of the gate."""

    def build(self) -> None:
        super().build()
        self.gate = self.linear(sum(self.widths), len(self.widths))

    def forward(self, levels: list[Tensor], seen: Tensor) -> Tensor:
        gate = self.gate(torch.cat(filled(levels, seen), -1)).softmax(-1)
        return masked_mean(self.logits(levels), gate * seen)


class TensorFusion(Fusion):
    """TFN (Zadeh et al. 2017): the outer product of both vectors, each with a 1 appended. Zeros for the unseen, so that
    the 1 leaves the other's own terms.

    A modality's vector is as narrow as a third of H, as the product has its square.
    """

    def build(self) -> None:
        self.narrow = max(self.hidden // 3, 1)
        self.maps = nn.ModuleList(self.linear(width, self.narrow) for width in self.widths)
        self.mlp = ResidualMLP(self.members, (self.narrow + 1) ** 2, self.hidden, self.tasks, self.drop)

    def forward(self, levels: list[Tensor], seen: Tensor) -> Tensor:
        first, second = (
            with_one(nn.functional.silu(own(level)) * seen[:, m : m + 1])
            for m, (own, level) in enumerate(zip(self.maps, filled(levels, seen), strict=True))
        )
        product = first.unsqueeze(-1) * second.unsqueeze(-2)
        logits: Tensor = self.mlp(self.drop(product.flatten(2)))
        return logits


class LowRankFusion(Fusion):
    """LMF (Liu et al. 2018): the outer product's map to H factored into `RANK` rank-1 terms, then a residual MLP. Zeros
    for the unseen, as in TFN.
    """

    def build(self) -> None:
        # The bias of each map is what the appended 1 would be multiplied by.
        self.factors = nn.ModuleList(self.linear(width, RANK * self.hidden) for width in self.widths)
        self.mix = self.linear(RANK * self.hidden, self.hidden)
        self.mlp = ResidualMLP(self.members, self.hidden, self.hidden, self.tasks, self.drop)

    def forward(self, levels: list[Tensor], seen: Tensor) -> Tensor:
        first, second = (own(level) for own, level in zip(self.factors, filled(levels, seen), strict=True))
        logits: Tensor = self.mlp(self.mix(self.drop(first * second)))
        return logits


class MedFuse(Fusion):
    """MedFuse (Hayat et al. 2022): an LSTM reads the modalities' vectors one after the other, the EHR first. The unseen
    is left out of the sequence.
    """

    order = (1, 0)

    def build(self) -> None:
        self.maps = nn.ModuleList(self.linear(width, self.hidden) for width in self.widths)
        self.gates = self.linear(2 * self.hidden, 4 * self.hidden)
        self.head = self.linear(self.hidden, self.tasks)

    def forward(self, levels: list[Tensor], seen: Tensor) -> Tensor:
        state = cell = torch.zeros(*levels[0].shape[:2], self.hidden)
        for m in self.order:
            token, present = self.maps[m](normalised(levels[m])), seen[:, m : m + 1]
            take, keep, out, new = self.gates(torch.cat([token, state], -1)).chunk(4, -1)
            after = keep.sigmoid() * cell + take.sigmoid() * new.tanh()
            cell = torch.where(present, after, cell)
            state = torch.where(present, out.sigmoid() * after.tanh(), state)
        logits: Tensor = self.head(self.drop(state))
        return logits


def with_one(x: Tensor) -> Tensor:
    """A 1 appended: [E, R, D] -> [E, R, D + 1]."""
    return torch.cat([x, torch.ones_like(x[..., :1])], -1)
