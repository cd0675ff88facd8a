"""The losses of LeMoF's first two stages, cross-fitted.

    E members, n stays, S steps, D width, L levels, K tasks

Stays are parted into 2 E folds of people and member e never learns from fold e, so one training run yields an ensemble
of members that know eleven twelfths of the stays (E = 6) and out-of-fold predictions of half of them, on which all that
weighs or calibrates is fitted.
"""

import torch
from torch import Tensor, nn

from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.batches import Batch, Prepared
from lemof_stream.training.epochs import Log, Stage, fit_stage
from lemof_stream.training.recipe import Recipe


def task_loss(logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
    """Cross-entropy [.., E, n, S, K] against target [n, S, K] (NaN: not counted), each stay counted by each member as
    much as `counts` [E, n] says.
    """
    known = ~target.isnan()
    weight = counts[:, :, None, None] * known  # [E, n, S, K]
    wanted = target.nan_to_num(0.0).expand_as(logits)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * weight
    return loss.sum() / weight.expand_as(logits).sum().clamp(min=1) * logits.shape[-1]


def fit_encoders(model: LeMoF, data: Prepared, recipe: Recipe, log: Log) -> None:
    """Stage 1: each modality alone, a head on every level."""

    def loss(batch: Batch, counts: Tensor) -> Tensor:
        return level_loss(model, levels_at(model, batch), data.targets(batch), counts)

    modules = [model.vitals, model.ehr, model.heads]
    fit_stage(Stage("1 level stacking", recipe.epochs, modules, loss), data, recipe, log)


def fit_fusion(model: LeMoF, data: Prepared, recipe: Recipe, log: Log) -> None:
    """Stage 2: the fusion of the best levels, whole modalities dropped at random.

    The encoders learn on with it, still supervised on every level, so that a level can become a better part of the
    fusion without becoming a worse prediction of its own.
    """
    generator = torch.Generator().manual_seed(recipe.seed + 1)

    def loss(batch: Batch, counts: Tensor) -> Tensor:
        target, levels, seen = data.targets(batch), levels_at(model, batch), batch.features.seen
        if model.training:
            seen = drop_modalities(seen, recipe, generator)
        fused = model.fusion(levels, seen).unflatten(1, batch.steps.shape)
        return task_loss(fused, target, counts) + level_loss(model, levels, target, counts)

    stage = Stage("2 fusion", recipe.fusion_epochs, [model], loss, (generator,))
    fit_stage(stage, data, recipe, log)


def drop_modalities(seen: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """`seen` [R, M] with whole modalities dropped at random, never all of a row."""
    dropped = torch.rand(seen.shape, generator=generator) < recipe.modality_dropout
    return seen & ~(dropped & ~dropped.all(1, keepdim=True))


def levels_at(model: LeMoF, batch: Batch) -> list[list[Tensor]]:
    """All levels at the batch's steps only: [E, n * S, D]. The vitals run over whole stays, the EHR does not."""
    stays, whole = len(batch.stays), len(batch.features.vitals) // len(batch.stays)
    vitals, ehr = model.encode(batch.features, whole)
    rows = (torch.arange(stays).unsqueeze(1) * whole + batch.steps).flatten()
    return [[level[:, rows] for level in vitals], ehr]


def level_loss(model: LeMoF, levels: list[list[Tensor]], target: Tensor, counts: Tensor) -> Tensor:
    """Deep supervision: the task loss of every level's head, averaged over a modality's levels, summed over both."""
    total = torch.zeros(())
    for heads, own in zip(model.heads, levels, strict=True):
        z = heads(own).unflatten(2, (len(target), -1))  # [L, E, n, S, K]
        total = total + task_loss(z, target, counts)
    return total
