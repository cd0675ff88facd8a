"""Fitting LeMoF in the paper's three stages, cross-fitted.

    E members, N stays, T steps, R = N * T rows, F features, L levels, K tasks

Stays are parted into 2 E folds and member e never learns from fold e, so one training run yields an ensemble of members
that know eleven twelfths of the stays (E = 6) and out-of-fold predictions of half of them, on which all that weighs or
calibrates is fitted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lemof_stream.model.features import Features
from lemof_stream.model.fusion import LevelChoice, LevelWeighting
from lemof_stream.model.lemof import LeMoF

Progress = Callable[[str, float], None]
"""Called with the stage's name and the share of it that is done."""

POOL = 8
"""Batches whose stays are sorted by length: the vitals run over whole stays to the longest of a batch, and the longest
stays are four times as long as most. More than 8 saves little more, and makes batches less random."""


@dataclass(frozen=True)
class Recipe:
    """How to train; part of the card."""

    seed: int = 0
    stays_a_batch: int = 128
    steps_a_stay: int = 16
    epochs: int = 8
    fusion_epochs: int = 10
    rate: float = 2e-3
    decay: float = 0.3
    second_view: float = 0.3
    modality_dropout: float = 0.15
    best_levels: int = 2
    level_choice: LevelChoice = "importance"
    level_weighting: LevelWeighting = "importance"
    boosted_rows: int = 80_000
    boosted_rate: float = 0.06


@dataclass(frozen=True)
class Batch:
    """Rows of stays [n], some of their steps [n, S], and the features of both in a random view."""

    stays: Tensor
    steps: Tensor
    features: Features


@dataclass(frozen=True)
class Prepared:
    """Training data as features: vitals [2, N, T, Fv], ehr [2, N, T, Fe], seen [2, N, T, M]; target [N, T, K] (NaN:
    unknown); fold [N] and person [N], as no person is in two folds.

    Of the two views the first is the stays as they were charted, the second as `augment` draws them.

    Folds from `members` on are seen by all.
    """

    vitals: Tensor
    ehr: Tensor
    seen: Tensor
    target: Tensor
    fold: Tensor
    person: Tensor
    members: int

    def known(self) -> Tensor:
        """[N, T] whether anything is to be learnt from a step."""
        return ~self.target.isnan().all(-1)

    def learns(self, stays: Tensor) -> Tensor:
        """[E, n] 1 where a member may learn from a stay."""
        return (self.fold[stays] != torch.arange(self.members).unsqueeze(1)).float()

    def targets(self, batch: Batch) -> Tensor:
        """The batch's targets [n, S, K]."""
        return self.target[batch.stays.unsqueeze(1), batch.steps].float()

    def last_known(self) -> Tensor:
        """[N] the last step, from 0, of which anything is to be learnt."""
        known = self.known()
        return (known * torch.arange(1, known.shape[1] + 1)).argmax(1)

    def batch(self, stays: Tensor, steps: Tensor, view: Tensor) -> Features:
        """Features of some stays in views [n]; of the EHR and `seen` only these steps [n, S], of vitals all to the
        last of them.
        """
        row, which = stays.unsqueeze(1), view.unsqueeze(1)
        return Features(
            vitals=self.vitals[view, stays, : int(steps.max()) + 1].flatten(0, 1).float(),
            ehr=self.ehr[which, row, steps].flatten(0, 1).float(),
            seen=self.seen[which, row, steps].flatten(0, 1),
        )


def _batches(data: Prepared, recipe: Recipe, generator: torch.Generator) -> Iterator[Batch]:
    """Stays in random order, each with some of its known steps, drawn without replacement and always with the last."""
    steps, known, last = data.target.shape[1], data.known(), data.last_known()
    for chosen in _of_like_length(last, recipe.stays_a_batch, generator):
        noise = torch.rand(len(chosen), steps, generator=generator) + known[chosen]
        noise[torch.arange(len(chosen)), last[chosen]] = 3.0
        longest = int(last[chosen].max()) + 1
        some = noise[:, :longest].topk(min(recipe.steps_a_stay, longest), 1).indices
        view = (torch.rand(len(chosen), generator=generator) < recipe.second_view).long()
        yield Batch(chosen, some, data.batch(chosen, some, view))


def _of_like_length(length: Tensor, size: int, generator: torch.Generator) -> list[Tensor]:
    """Stays in random batches; of `POOL` batches that were drawn together each takes stays of like length [N].

    Where all are as long as each other, the batches are as drawn.
    """
    batches = []
    for pool in torch.split(torch.randperm(len(length), generator=generator), POOL * size):
        places = torch.split(length[pool].argsort(stable=True), size)
        batches += [pool[own] for own in sorted(places, key=lambda own: int(own.min()))]
    return batches


def task_loss(logits: Tensor, target: Tensor, learns: Tensor) -> Tensor:
    """Cross-entropy [.., E, n, S, K] against target [n, S, K] (NaN: not counted), for members that learn [E, n]."""
    known = ~target.isnan()
    weight = learns[:, :, None, None] * known  # [E, n, S, K]
    wanted = target.nan_to_num(0.0).expand_as(logits)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * weight
    return loss.sum() / weight.expand_as(logits).sum().clamp(min=1) * logits.shape[-1]


def _fit(
    parameters: list[nn.Parameter],
    loss: Callable[[Batch], Tensor],
    data: Prepared,
    recipe: Recipe,
    epochs: int,
    report: Callable[[float], None],
) -> None:
    """AdamW with a one-cycle rate over `epochs` passes."""
    generator = torch.Generator().manual_seed(recipe.seed)
    optimizer = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=recipe.decay)
    total = epochs * -(-len(data.target) // recipe.stays_a_batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, total_steps=total, pct_start=0.2)
    done = 0
    for _ in range(epochs):
        for batch in _batches(data, recipe, generator):
            optimizer.zero_grad()
            torch.autograd.backward(loss(batch))
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            done += 1
            report(done / total)


def fit_encoders(model: LeMoF, data: Prepared, recipe: Recipe, progress: Progress) -> None:
    """Stage 1: each modality alone, a head on every level."""
    model.train()

    def loss(batch: Batch) -> Tensor:
        target, learns = data.targets(batch), data.learns(batch.stays)
        return level_loss(model, levels_at(model, batch), target, learns)

    modules = [model.vitals, model.ehr, model.heads]
    parameters = [p for module in modules for p in module.parameters()]
    _fit(parameters, loss, data, recipe, recipe.epochs, lambda share: progress("1 level stacking", share))


def fit_fusion(model: LeMoF, data: Prepared, recipe: Recipe, progress: Progress) -> None:
    """Stage 2: the fusion of the best levels, whole modalities dropped at random.

    The encoders learn on with it, still supervised on every level, so that a level can become a better part of the
    fusion without becoming a worse prediction of its own.
    """
    model.train()
    generator = torch.Generator().manual_seed(recipe.seed + 1)

    def loss(batch: Batch) -> Tensor:
        target, learns = data.targets(batch), data.learns(batch.stays)
        levels, seen = levels_at(model, batch), batch.features.seen
        dropped = torch.rand(seen.shape, generator=generator) < recipe.modality_dropout
        seen = seen & ~(dropped & ~dropped.all(1, keepdim=True))
        fused = model.fusion(levels, seen).unflatten(1, batch.steps.shape)
        return task_loss(fused, target, learns) + level_loss(model, levels, target, learns)

    parameters = list(model.parameters())
    _fit(parameters, loss, data, recipe, recipe.fusion_epochs, lambda share: progress("2 fusion", share))


def levels_at(model: LeMoF, batch: Batch) -> list[list[Tensor]]:
    """All levels at the batch's steps only: [E, n * S, D]. The vitals run over whole stays, the EHR does not."""
    stays, whole = len(batch.stays), len(batch.features.vitals) // len(batch.stays)
    vitals, ehr = model.encode(batch.features, whole)
    rows = (torch.arange(stays).unsqueeze(1) * whole + batch.steps).flatten()
    return [[level[:, rows] for level in vitals], ehr]


def level_loss(model: LeMoF, levels: list[list[Tensor]], target: Tensor, learns: Tensor) -> Tensor:
    """Deep supervision: the task loss of every level's head, averaged over a modality's levels, summed over both."""
    total = torch.zeros(())
    for heads, own in zip(model.heads, levels, strict=True):
        z = heads(own).unflatten(2, (len(target), -1))  # [L, E, n, S, K]
        total = total + task_loss(z, target, learns)
    return total
