"""Fitting LeMoF in the paper's three stages, cross-fitted.

    E members, N stays, T steps, R = N * T rows, F features, L levels, K tasks

Stays are parted into E folds and member e never learns from fold e, so one training run yields an ensemble and
out-of-fold predictions of every stay, on which all that weighs or calibrates is fitted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lemof_stream.model.features import Features
from lemof_stream.model.lemof import LeMoF

Progress = Callable[[str, float], None]
"""Called with the stage's name and the share of it that is done."""


NEWTON_STEPS = 12
"""Convex and nearly quadratic from this start: it stands still after six or so."""


@dataclass(frozen=True)
class Recipe:
    """How to train; part of the card."""

    seed: int = 0
    stays_a_batch: int = 128
    steps_a_stay: int = 16
    epochs: int = 12
    fusion_epochs: int = 6
    rate: float = 2e-3
    decay: float = 0.05
    modality_dropout: float = 0.15
    best_levels: int = 2


@dataclass(frozen=True)
class Prepared:
    """Training data as features: vitals [N, T, Fv], ehr [N, T, Fe], seen [N, T, M], target [N, K], fold [N]."""

    vitals: Tensor
    ehr: Tensor
    seen: Tensor
    target: Tensor
    fold: Tensor

    def batch(self, stays: Tensor, steps: Tensor) -> Features:
        """Features of some stays; of the EHR and `seen` only these steps [N, S]."""
        row = stays.unsqueeze(1)
        return Features(
            vitals=self.vitals[stays].flatten(0, 1).float(),
            ehr=self.ehr[row, steps].flatten(0, 1).float(),
            seen=self.seen[row, steps].flatten(0, 1),
        )


def _batches(data: Prepared, recipe: Recipe, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Stays in random order, each with some of its steps, drawn without replacement and always with the last."""
    stays, steps = data.vitals.shape[:2]
    for chosen in torch.split(torch.randperm(stays, generator=generator), recipe.stays_a_batch):
        noise = torch.rand(len(chosen), steps, generator=generator)
        noise[:, -1] = 2.0
        yield chosen, noise.topk(min(recipe.steps_a_stay, steps), 1).indices


def task_loss(logits: Tensor, target: Tensor, learns: Tensor) -> Tensor:
    """Cross-entropy [.., E, n, S, K] against target [n, K] (NaN: not counted), for members that learn [E, n]."""
    known = ~target.isnan()
    weight = (learns.unsqueeze(-1) * known).unsqueeze(2)  # [E, n, 1, K]
    wanted = target.nan_to_num(0.0).unsqueeze(1).expand_as(logits)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * weight
    return loss.sum() / weight.expand_as(logits).sum().clamp(min=1) * logits.shape[-1]


def _fit(
    parameters: list[nn.Parameter],
    loss: Callable[[Tensor, Tensor], Tensor],
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
        for stays, steps in _batches(data, recipe, generator):
            optimizer.zero_grad()
            torch.autograd.backward(loss(stays, steps))
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            done += 1
            report(done / total)


def fit_encoders(model: LeMoF, data: Prepared, recipe: Recipe, progress: Progress) -> None:
    """Stage 1: each modality alone, a head on every level."""
    model.train()
    steps_of_stay = data.vitals.shape[1]

    def loss(stays: Tensor, steps: Tensor) -> Tensor:
        features = data.batch(stays, steps)
        learns = (data.fold[stays] != torch.arange(model.sizes.members).unsqueeze(1)).float()
        target = data.target[stays].float()
        levels = model.encode(features, steps_of_stay)
        total = torch.zeros(())
        for heads, own, width in zip(model.heads, levels, (steps_of_stay, steps.shape[1]), strict=True):
            z = heads(own)  # [L, E, n * S, K]
            total = total + task_loss(z.unflatten(2, (len(stays), width)), target, learns)
        return total

    modules = [model.vitals, model.ehr, model.heads]
    parameters = [p for module in modules for p in module.parameters()]
    _fit(parameters, loss, data, recipe, recipe.epochs, lambda share: progress("1 level stacking", share))


def fit_fusion(model: LeMoF, data: Prepared, recipe: Recipe, progress: Progress) -> None:
    """Stage 2: the fusion of frozen levels, with whole modalities dropped at random."""
    model.eval()
    model.fusion.train()
    generator = torch.Generator().manual_seed(recipe.seed + 1)
    steps_of_stay = data.vitals.shape[1]

    def loss(stays: Tensor, steps: Tensor) -> Tensor:
        features = data.batch(stays, steps)
        learns = (data.fold[stays] != torch.arange(model.sizes.members).unsqueeze(1)).float()
        with torch.no_grad():
            vitals, ehr = model.encode(features, steps_of_stay)
            vitals = [at_steps(level, steps, steps_of_stay) for level in vitals]
        dropped = torch.rand(features.seen.shape, generator=generator) < recipe.modality_dropout
        seen = features.seen & ~(dropped & ~dropped.all(1, keepdim=True))
        logits = model.fusion([vitals, ehr], seen).unflatten(1, (len(stays), steps.shape[1]))
        return task_loss(logits, data.target[stays].float(), learns)

    parameters = list(model.fusion.parameters())
    _fit(parameters, loss, data, recipe, recipe.fusion_epochs, lambda share: progress("2 fusion", share))


def at_steps(level: Tensor, steps: Tensor, steps_of_stay: int) -> Tensor:
    """Of a level [E, n * T, D] the chosen steps [n, S]: [E, n * S, D]."""
    rows = torch.arange(len(steps)).unsqueeze(1) * steps_of_stay + steps
    return level[:, rows.flatten()]


@dataclass(frozen=True)
class OutOfFold:
    """Logits of the members that never saw the stay: z per modality [L, R, K], fused [R, K]; seen [R, M]."""

    z: list[Tensor]
    fused: Tensor
    seen: Tensor


def out_of_fold(model: LeMoF, data: Prepared) -> OutOfFold:
    """Predict every stay and step by the member whose fold it is."""
    model.eval()
    steps_of_stay = data.vitals.shape[1]
    all_steps = torch.arange(steps_of_stay)
    z: list[list[Tensor]] = [[], []]
    fused, seen = [], []
    with torch.inference_mode():
        for stays in torch.split(torch.arange(len(data.target)), 128):
            features = data.batch(stays, all_steps.expand(len(stays), -1))
            levels = model.encode(features, steps_of_stay)
            member = data.fold[stays].repeat_interleave(steps_of_stay)
            rows = torch.arange(len(member))
            for m, heads in enumerate(model.heads):
                z[m].append(heads(levels[m])[:, member, rows].double())
            fused.append(model.fusion(levels, features.seen)[member, rows].double())
            seen.append(features.seen)
    return OutOfFold([torch.cat(part, 1) for part in z], torch.cat(fused), torch.cat(seen))


def ridge_logistic(x: Tensor, target: Tensor, start: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
    """Weights [P, K] and bias [K] of x [P, R, K] on target [R, K], pulled towards `start` [P, K] (Newton's method)."""
    columns = [
        _ridge_logistic(x[:, :, k].T, target[:, k], start[:, k], ridge) for k in range(target.shape[1])
    ]
    found = torch.stack(columns, 1)
    return found[:-1], found[-1]


def _ridge_logistic(x: Tensor, target: Tensor, start: Tensor, ridge: float) -> Tensor:
    """One task: x [R, P] -> [P + 1], the bias last and free."""
    known = ~target.isnan()
    rows = torch.cat([x[known], torch.ones(int(known.sum()), 1, dtype=x.dtype)], 1)
    goal = torch.cat([start, torch.zeros(1, dtype=x.dtype)])
    pull = torch.full_like(goal, ridge)
    pull[-1] = 0.0
    found = goal.clone()
    for _ in range(NEWTON_STEPS):
        p = (rows @ found).sigmoid()
        slope = rows.T @ (p - target[known]) / len(rows) + pull * (found - goal)
        curve = (rows.T * (p * (1 - p))) @ rows / len(rows) + torch.diag(pull)
        found = found - torch.linalg.solve(curve, slope)
    return found
