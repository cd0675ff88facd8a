"""The whole training: three stages, calibration on out-of-fold predictions.

N stays, T steps, R = N * T rows, L levels, K tasks
"""

import math
from dataclasses import dataclass

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from lemof_stream.model.inputs import StepInputs
from lemof_stream.model.lemof import Architecture, LeMoF
from lemof_stream.model.schema import LOS_EDGES, InputSchema
from lemof_stream.model.stay_length import BINS
from lemof_stream.training.augment import SecondView
from lemof_stream.training.prepare import prepare
from lemof_stream.training.stages import (
    OutOfFold,
    Progress,
    Recipe,
    fit_encoders,
    fit_fusion,
    out_of_fold,
    ridge_logistic,
)

RIDGE = 0.01
"""Pull of the stacking and decision weights towards equal shares; with some 10^5 held-out rows it only settles
directions in which the levels agree."""
PARTS = 6
"""Of the held-out stays: each part is predicted by meta-learners that were fitted on the other five sixths."""
COLDEST, HOTTEST = 0.2, 5.0
"""Temperatures searched; one at a bound would mean that the logits say nothing."""
TAIL = 0.1
"""Below and above the published interval: 80% lie inside."""


@dataclass(frozen=True)
class Fitted:
    """A trained model, and its out-of-fold predictions: columns [n, T] of n held-out stays."""

    model: LeMoF
    held_out_stays: list[int]
    held_out: dict[str, Tensor]


def fit(
    inputs: StepInputs,
    other: SecondView,
    target: Tensor,
    days: Tensor,
    schema: InputSchema,
    recipe: Recipe,
    progress: Progress,
) -> Fitted:
    """Train on stays [N, T]; target [N, K] and days of stay [N], NaN where unknown."""
    torch.manual_seed(recipe.seed)
    model = LeMoF(schema, Architecture())
    progress("0 features", 0.0)
    data = prepare(model, inputs, other, target, recipe.seed)
    fit_encoders(model, data, recipe, progress)
    fit_stacking(model, out_of_fold(model, data))
    for meta, best in zip(model.metas, model.fusion.best, strict=True):
        best.choose(meta.importance, recipe.best_levels)
    fit_fusion(model, data, recipe, progress)
    progress("3 decision", 0.0)
    held_out = out_of_fold(model, data)
    logits = fit_decision(model, held_out)
    passed = model.days_passed(inputs.rows(held_out.stays)).flatten()
    fit_stay_length(model, logits, passed, days, days[held_out.stays])
    probabilities = logits.sigmoid()
    columns = {"p_death": probabilities[:, 0]} | model.stay_length(probabilities[:, 1:], passed)
    progress("3 decision", 1.0)
    steps = inputs.step.shape[1]
    return Fitted(
        model.eval(),
        held_out.stays.tolist(),
        {name: column.unflatten(0, (-1, steps)) for name, column in columns.items()},
    )


def fit_stacking(model: LeMoF, held_out: OutOfFold) -> None:
    """The meta-learners of module 1, and the importance of the levels."""
    for meta, z in zip(model.metas, held_out.z, strict=True):
        weight, bias = ridge_logistic(z, held_out.target, torch.full_like(z[:, 0], 1 / len(z)), RIDGE)
        meta.weight.copy_(weight)
        meta.bias.copy_(bias)
        meta.background.copy_(z.mean(1))
        meta.importance.copy_(meta.measure_importance(z))


def fit_decision(model: LeMoF, held_out: OutOfFold) -> Tensor:
    """Stage 3: stacking once more, as the levels have learnt on, then the integrated decision and its temperatures.

    The temperatures are fitted on logits that come, part by part, from meta-learners fitted on the other parts: on the
    rows that these were fitted on they would be 1 whatever the truth. Returns these logits, calibrated: [R, K].
    """
    decision = model.decision
    start = torch.cat([decision.stable, decision.fused.unsqueeze(0)])
    part = torch.arange(len(held_out.stays)) % PARTS
    logits = torch.empty_like(held_out.fused)
    for p in range(PARTS):
        fit_weights(model, held_out.take(part != p), start)
        logits[held_out.rows(part == p)] = decision_logits(model, held_out.take(part == p))
    fit_weights(model, held_out, start)
    decision.temperature.copy_(fit_temperature(logits, held_out.target))
    return logits / decision.temperature


def fit_weights(model: LeMoF, held_out: OutOfFold, start: Tensor) -> None:
    """The meta-learners of both modules; the decision's weights are pulled towards `start` [M + 1, K]."""
    fit_stacking(model, held_out)
    decision, g = model.decision, global_predictions(model, held_out)
    decision.stable_background.copy_(g.mean(0))
    decision.fused_background.copy_(held_out.fused.mean(0))
    parts = decision.parts(g, held_out.fused, held_out.seen).transpose(0, 1)  # [M + 1, R, K]
    weight, bias = ridge_logistic(parts, held_out.target, start, RIDGE)
    decision.stable.copy_(weight[:-1])
    decision.fused.copy_(weight[-1])
    decision.bias.copy_(bias)


def global_predictions(model: LeMoF, held_out: OutOfFold) -> Tensor:
    """Every modality's g: [R, M, K]."""
    return torch.stack([meta(z) for meta, z in zip(model.metas, held_out.z, strict=True)], 1)


def decision_logits(model: LeMoF, held_out: OutOfFold) -> Tensor:
    """The integrated decision before its temperature: [R, K]."""
    decision = model.decision
    parts = decision.parts(global_predictions(model, held_out), held_out.fused, held_out.seen)
    weight = torch.cat([decision.stable, decision.fused.unsqueeze(0)])
    return (parts * weight).sum(1) + decision.bias


def fit_temperature(logits: Tensor, target: Tensor) -> Tensor:
    """Temperatures [K] by which logits [R, K], divided, have the least log loss on target [R, K] (NaN: not counted)."""
    found = []
    for own, truth in zip(logits.T, target.T, strict=True):
        known = ~truth.isnan()
        x, y = own[known], truth[known]

        def loss(log_temperature: float, x: Tensor = x, y: Tensor = y) -> float:
            scaled = x / math.exp(log_temperature)
            return nn.functional.binary_cross_entropy_with_logits(scaled, y).item()

        best = minimize_scalar(loss, bounds=(math.log(COLDEST), math.log(HOTTEST)), method="bounded")
        found.append(math.exp(best.x))
    return torch.tensor(found, dtype=torch.float64)


def fit_stay_length(model: LeMoF, logits: Tensor, passed: Tensor, days: Tensor, lived: Tensor) -> None:
    """Support days of each bin from all stays, and the conformal interval on held-out predictions of every step.

    logits [R, K] and days `passed` [R] of held-out stays, whose days of stay are `lived` [n]
    """
    stay = model.stay_length
    known = days[~days.isnan()]
    edges = (-math.inf, *LOS_EDGES, math.inf)
    points = stay.support.shape[1]
    quantiles = (torch.arange(points, dtype=torch.float64) + 0.5) / points
    for b in range(BINS):
        inside = known[(known > edges[b]) & (known <= edges[b + 1])]
        stay.support[b] = torch.quantile(inside, quantiles)
    weight = stay.weights(logits[:, 1:].sigmoid(), passed)
    mean, spread = stay.log_moments(weight, passed)
    lived = lived.repeat_interleave(len(passed) // len(lived))
    scores = ((lived.clamp(min=0.5).log() - mean) / spread)[~lived.isnan()].sort().values
    low, high = int(TAIL * len(scores)), math.ceil((1 - TAIL) * len(scores)) - 1
    stay.interval.copy_(torch.stack([scores[low], scores[high]]))
