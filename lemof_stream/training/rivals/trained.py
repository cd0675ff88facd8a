"""Rivals trained on the same stays and asked about the same others.

N stays, T steps
"""

from dataclasses import dataclass

import pyarrow as pa
import torch

from lemof_stream.model.features import Features
from lemof_stream.model.lemof import Architecture, LeMoF
from lemof_stream.training.batches import Prepared
from lemof_stream.training.dataset import StepData
from lemof_stream.training.epochs import Progress
from lemof_stream.training.fit import TrainingData
from lemof_stream.training.predict import as_table
from lemof_stream.training.prepare import prepare, run_features
from lemof_stream.training.recipe import Recipe
from lemof_stream.training.rivals.calibrate import Calibration, calibrate
from lemof_stream.training.rivals.catalogue import RIVALS
from lemof_stream.training.rivals.rival import Rival


@dataclass(frozen=True)
class Ready:
    """Training stays as every rival sees them; of `model` only the scales of channels and features are used."""

    model: LeMoF
    data: TrainingData
    prepared: Prepared


@dataclass(frozen=True)
class Unseen:
    """Stays that nothing is trained on, on the scales of a `Ready`: features [N, T, ...]."""

    stays: StepData
    features: Features


@dataclass(frozen=True)
class TrainedRival:
    """A rival, calibrated and read out as all are."""

    rival: Rival
    calibration: Calibration
    base: LeMoF

    def predictions(self, unseen: Unseen) -> pa.Table:
        """A row a stay and step (see `predict`)."""
        hours = self.base.hours_passed(unseen.stays.inputs)
        columns = self.calibration.columns(self.rival.predict(unseen.features), hours)
        return as_table(unseen.stays, columns, self.base.schema.step_minutes)


def make_ready(data: TrainingData, sizes: Architecture, seed: int) -> Ready:
    """Scales fitted, features run."""
    torch.manual_seed(seed)
    model = LeMoF(data.schema, data.tasks, sizes)
    prepared = prepare(model, data.inputs, data.other, data.targets.binary, data.person, seed)
    return Ready(model, data, prepared)


def make_unseen(stays: StepData, ready: Ready) -> Unseen:
    """Features of stays that are asked about."""
    return Unseen(stays, Features(*run_features(ready.model, stays.inputs, None)))


def train_rival(name: str, ready: Ready, recipe: Recipe, progress: Progress) -> TrainedRival:
    """Train and calibrate one of `RIVALS`."""
    torch.manual_seed(recipe.seed)
    rival, data = RIVALS[name](ready.model), ready.data
    held_out = rival.fit(ready.prepared, data.targets.duration, recipe, progress)
    hours = ready.model.hours_passed(data.inputs)
    calibration = calibrate(data.tasks, held_out, data.targets.binary, data.targets.duration, hours)
    return TrainedRival(rival, calibration, ready.model)
