"""Rivals trained on one cohort and scored on another, all in one loop.

N stays, T steps, K tasks
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.model.features import Features
from lemof_stream.model.lemof import Architecture, LeMoF
from lemof_stream.training.dataset import StepData, step_data
from lemof_stream.training.fit import TrainingData
from lemof_stream.training.predict import as_table
from lemof_stream.training.prepare import prepare, run_features
from lemof_stream.training.rivals.calibrate import calibrate
from lemof_stream.training.rivals.catalogue import RIVALS
from lemof_stream.training.stages import Prepared, Progress, Recipe
from lemof_stream.training.train import input_schema, training_data

SIZES = Architecture(members=4, trees=300)
RECIPE = Recipe(epochs=3, fusion_epochs=4)
"""Reduced for all alike, so that every rival and seed fits into one run on two cores."""


@dataclass(frozen=True)
class Scored:
    """Predictions of the test cohort, one row a stay and step (see `predict`), of a rival trained with a seed."""

    name: str
    seed: int
    parameters: int
    table: pa.Table


@dataclass(frozen=True)
class Ready:
    """One seed's training stays as every rival sees them, and the test stays on the same scales.

    model: untrained, but for the scales of channels and features; test [N, T, ...]
    """

    model: LeMoF
    data: TrainingData
    prepared: Prepared
    stays: StepData
    test: Features


def run(
    train: Cohort,
    test: Cohort,
    seeds: Sequence[int],
    progress: Progress,
    names: Sequence[str] = tuple(RIVALS),
) -> list[Scored]:
    """Train the named rivals on `train`, once a seed, and predict every step of `test`."""
    scored = []
    for seed in seeds:
        ready = make_ready(train, test, SIZES, seed)
        scored += [train_and_predict(name, ready, replace(RECIPE, seed=seed), progress) for name in names]
    return scored


def make_ready(train: Cohort, test: Cohort, sizes: Architecture, seed: int) -> Ready:
    """Features of both cohorts, all that is fitted for them fitted on `train`."""
    data = training_data(train, seed)
    torch.manual_seed(seed)
    model = LeMoF(data.schema, data.tasks, sizes)
    prepared = prepare(model, data.inputs, data.other, data.targets.binary, data.person, seed)
    schema = input_schema(train)
    stays = step_data(test, schema, most_steps=schema.horizon_steps)
    return Ready(model, data, prepared, stays, Features(*run_features(model, stays.inputs, None)))


def train_and_predict(name: str, ready: Ready, recipe: Recipe, progress: Progress) -> Scored:
    """One rival, calibrated and read out as all are."""
    torch.manual_seed(recipe.seed)
    rival, model, data = RIVALS[name](ready.model), ready.model, ready.data
    held_out = rival.fit(ready.prepared, data.targets.duration, recipe, progress)
    hours = model.hours_passed(data.inputs)
    calibration = calibrate(data.tasks, held_out, data.targets.binary, data.targets.duration, hours)
    columns = calibration.columns(rival.predict(ready.test), model.hours_passed(ready.stays.inputs))
    table = as_table(ready.stays, columns, model.schema.step_minutes)
    return Scored(rival.name, recipe.seed, rival.parameters, table)
