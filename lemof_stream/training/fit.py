"""The whole training: three stages, calibration on out-of-fold predictions.

N stays, T steps, R known steps of held-out stays, L levels, K tasks, M modalities
"""

import math
import time
from dataclasses import dataclass

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from lemof_stream.model.duration import POINTS, SHORTEST, Duration
from lemof_stream.model.inputs import StepInputs
from lemof_stream.model.lemof import Architecture, LeMoF
from lemof_stream.model.schema import InputSchema
from lemof_stream.model.tasks import TaskSet
from lemof_stream.training.augment import SecondView
from lemof_stream.training.batches import Prepared
from lemof_stream.training.boost import BOOSTED, fit_boosted
from lemof_stream.training.epochs import Epoch, Log, Progress
from lemof_stream.training.out_of_fold import OutOfFold, out_of_fold
from lemof_stream.training.prepare import prepare
from lemof_stream.training.recipe import Recipe
from lemof_stream.training.resume import Saved, SavedStages
from lemof_stream.training.ridge import ridge_logistic
from lemof_stream.training.shrinkage import sharpen
from lemof_stream.training.stages import fit_encoders, fit_fusion
from lemof_stream.training.targets import Targets

RIDGE = 0.01
"""Pull of the stacking and decision weights towards equal shares; with some 10^5 held-out rows it only settles
directions in which the levels agree."""
FEATURES, DECISION = "0 features", "3 decision"
"""Stages beside those of `stages`."""
PARTS = 6
"""Of the held-out people: each part is predicted by meta-learners that were fitted on the other five sixths."""
COLDEST, HOTTEST = 0.2, 5.0
"""Temperatures searched; one at a bound would mean that the logits say nothing."""
TAIL = 0.1
"""Below and above the published interval: 80% lie inside."""


@dataclass(frozen=True)
class TrainingData:
    """Stays [N, T] in two views, their targets, and whose they are: person [N], from 0 without gaps."""

    inputs: StepInputs
    other: SecondView
    targets: Targets
    person: Tensor
    schema: InputSchema
    tasks: TaskSet


@dataclass(frozen=True)
class Fitted:
    """A trained model, and its out-of-fold predictions: columns [R] of known steps (from 0) of held-out stays.

    `curve`: losses by epoch; `seconds`: what each stage took.
    """

    model: LeMoF
    stay: Tensor
    step: Tensor
    columns: dict[str, Tensor]
    curve: list[Epoch]
    seconds: dict[str, float]


@dataclass(frozen=True)
class Levels:
    """Stage 1 and the boosted level: what the later stages build on. boosted [N, T, K]: out-of-fold logits."""

    model: LeMoF
    ready: Prepared
    boosted: Tensor


def fit(
    data: TrainingData,
    sizes: Architecture,
    recipe: Recipe,
    progress: Progress,
    saved: SavedStages | None = None,
) -> Fitted:
    """Train; what `saved` holds of the same training is not done again."""
    log = Log(progress, saved)
    return fit_integration(data, fit_levels(data, sizes, recipe, log), recipe, log)


def fit_levels(data: TrainingData, sizes: Architecture, recipe: Recipe, log: Log) -> Levels:
    """Features, the boosted level, and stage 1: each modality alone."""
    start = time.monotonic()
    torch.manual_seed(recipe.seed)
    model = LeMoF(data.schema, data.tasks, sizes)
    log.progress(FEATURES, 0.0)
    ready = prepare(model, data.inputs, data.other, data.targets.binary, data.person, recipe.seed)
    log.progress(FEATURES, 1.0)
    log.seconds[FEATURES] = time.monotonic() - start
    levels = Levels(model, ready, _boosted(model, ready, recipe, log))
    fit_alone(levels, recipe, log)
    return levels


def fit_alone(levels: Levels, recipe: Recipe, log: Log) -> None:
    """Stage 1, and the first stacking, which tells the levels' importance."""
    fit_encoders(levels.model, levels.ready, recipe, log)
    fit_stacking(levels.model, out_of_fold(levels.model, levels.ready, levels.boosted))


def fit_integration(data: TrainingData, levels: Levels, recipe: Recipe, log: Log) -> Fitted:
    """Stages 2 and 3 of a model whose stage 1 is fitted; they change it."""
    fit_fused(levels, recipe, log)
    return fit_calibrated(data, levels, log)


def fit_fused(levels: Levels, recipe: Recipe, log: Log) -> None:
    """The choice of the levels to fuse, and stage 2."""
    model = levels.model
    random = torch.Generator().manual_seed(recipe.seed)
    for meta, best in zip(model.metas, model.fusion.best, strict=True):
        best.choose(meta.importance, recipe.best_levels, recipe.level_choice, recipe.level_weighting, random)
    fit_fusion(model, levels.ready, recipe, log)


def fit_calibrated(data: TrainingData, levels: Levels, log: Log) -> Fitted:
    """Stage 3 of a model whose stages 1 and 2 are fitted: the decision, its calibration, the readout."""
    start, model = time.monotonic(), levels.model
    log.progress(DECISION, 0.0)
    held_out = out_of_fold(model, levels.ready, levels.boosted)
    logits = fit_decision(model, held_out)
    columns = _read_out(model, data, held_out, logits)
    sharpen(model, levels.ready, logits)
    log.progress(DECISION, 1.0)
    log.seconds[DECISION] = time.monotonic() - start
    return Fitted(model.eval(), held_out.stay, held_out.step, columns, log.curve, log.seconds)


def _boosted(model: LeMoF, ready: Prepared, recipe: Recipe, log: Log) -> Tensor:
    """Fit the boosted level, or take it from what was saved: its out-of-fold logits [N, T, K]."""
    saved = log.saved and log.saved.load("boosted")
    if saved:
        model.boosted.load_state_dict(saved.part("level"))
        log.progress(BOOSTED, 1.0)
    else:
        start = time.monotonic()
        logits = fit_boosted(model, ready, recipe, log.progress)
        tensors = {f"level.{name}": tensor for name, tensor in model.boosted.state_dict().items()}
        saved = Saved(tensors | {"logits": logits}, {"seconds": time.monotonic() - start})
        if log.saved:
            log.saved.save("boosted", saved)
    log.seconds[BOOSTED] = saved.facts["seconds"]
    return saved.tensors["logits"]


def _read_out(model: LeMoF, data: TrainingData, held_out: OutOfFold, logits: Tensor) -> dict[str, Tensor]:
    """Fit the readout on held-out logits [R, K]; the columns [R] that it publishes of them."""
    hours = model.hours_passed(data.inputs)[held_out.stay, held_out.step]
    if model.readout.duration is not None:
        duration = data.targets.duration
        fit_duration(model.readout.duration, duration[~duration.isnan()])
        beyond = logits[:, -len(data.tasks.edges) :].sigmoid()
        passed = model.readout.passed(hours)
        truth = duration[held_out.stay, held_out.step]
        fit_interval(model.readout.duration, beyond, passed, hours, truth)
    columns: dict[str, Tensor] = model.readout(logits.sigmoid(), hours)
    return columns


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
    start = decision.weight.clone()
    part = held_out.person % PARTS
    logits = torch.empty_like(held_out.fused)
    for p in range(PARTS):
        fit_weights(model, held_out.take(part != p), start)
        logits[part == p] = decision_logits(model, held_out.take(part == p))
    fit_weights(model, held_out, start)
    decision.temperature.copy_(fit_temperature(logits, held_out.target))
    return logits / decision.temperature


def fit_weights(model: LeMoF, held_out: OutOfFold, start: Tensor) -> None:
    """The meta-learners of both modules; the decision's weights are pulled towards `start` [M + 2, K]."""
    fit_stacking(model, held_out)
    decision, g = model.decision, global_predictions(model, held_out)
    both = torch.stack([held_out.boosted, held_out.fused], 1)
    decision.background.copy_(torch.cat([g, both], 1).mean(0))
    parts = decision.parts(g, held_out.boosted, held_out.fused, held_out.seen).transpose(
        0, 1
    )  # [M + 2, R, K]
    weight, bias = ridge_logistic(parts, held_out.target, start, RIDGE)
    decision.weight.copy_(weight)
    decision.bias.copy_(bias)


def global_predictions(model: LeMoF, held_out: OutOfFold) -> Tensor:
    """Every modality's g: [R, M, K]."""
    return torch.stack([meta(z) for meta, z in zip(model.metas, held_out.z, strict=True)], 1)


def decision_logits(model: LeMoF, held_out: OutOfFold) -> Tensor:
    """The integrated decision before its temperature: [R, K]."""
    g = global_predictions(model, held_out)
    return model.decision.combine(model.decision.parts(g, held_out.boosted, held_out.fused, held_out.seen))


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


def fit_duration(duration: Duration, known: Tensor) -> None:
    """Support points of each bin from all known durations [R]."""
    bounds = (-math.inf, *duration.edges.tolist(), math.inf)
    quantiles = (torch.arange(POINTS, dtype=torch.float64) + 0.5) / POINTS
    for b in range(len(bounds) - 1):
        inside = known[(known > bounds[b]) & (known <= bounds[b + 1])]
        duration.support[b] = torch.quantile(inside, quantiles)


def fit_interval(duration: Duration, beyond: Tensor, passed: Tensor, hours: Tensor, truth: Tensor) -> None:
    """The conformal interval of each band of hours on held-out predictions of every step.

    beyond [R, J]; passed, hours and truth [R]
    """
    mean, spread = duration.log_moments(duration.weights(beyond, passed), passed)
    scores, bands = (truth.clamp(min=SHORTEST).log() - mean) / spread, duration.band(hours)
    for band in range(len(duration.interval)):
        own = scores[(bands == band) & ~truth.isnan()].sort().values
        if len(own):  # stays shorter than a band leave it as it is
            low, high = int(TAIL * len(own)), math.ceil((1 - TAIL) * len(own)) - 1
            duration.interval[band] = torch.stack([own[low], own[high]])
