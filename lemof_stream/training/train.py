"""From a cohort to a checkpoint with its model card."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.contracts.predictions import ModelInfo
from lemof_stream.errors import DataError
from lemof_stream.model import TASK_SETS, InputSchema, load_checkpoint, save_checkpoint
from lemof_stream.model.schema import ADMISSION, STATIC
from lemof_stream.training.augment import second_view
from lemof_stream.training.boost import xgboost_version
from lemof_stream.training.card import model_card
from lemof_stream.training.dataset import step_data
from lemof_stream.training.documents import write_documents
from lemof_stream.training.epochs import Progress
from lemof_stream.training.fit import TrainingData, fit
from lemof_stream.training.recipe import TrainingConfig, as_dict
from lemof_stream.training.record import cohort_sha256, write_record
from lemof_stream.training.resume import SavedStages
from lemof_stream.training.targets import check_targets, targets

HORIZONS = {"eicu": 169, "sepsis2019": 168}
"""Steps. The grid of eICU ends with the row at hour 168. Of the sepsis stays 99.4% have ended a week after admission;
these steps are 99% of all, and 92% of the septic ones (at 96 hours 97% and 81%)."""


def train(
    cohort: Cohort,
    out: Path,
    config: TrainingConfig,
    progress: Progress,
    evaluation: dict[str, Any] | None = None,
    notice: Callable[[str], None] = lambda _: None,
) -> ModelInfo:
    """Fit on every stay of the cohort and write the checkpoint and its record to `out`.

    A training that was killed goes on where it was when it is started again with the same cohort and configuration.
    `notice` is told what is made of an earlier one.

    Raises:
        DataError: the cohort knows too few outcomes to fit anything.
        ConfigError: XGBoost is not installed.
    """
    check_targets(cohort, TASK_SETS[cohort.name])
    saved = SavedStages(out, training_key(config, cohort))
    if saved.found:
        notice(f"Going on with the training that {saved.folder} holds.")
    elif saved.outdated:
        notice(f"{saved.folder} held a training with another recipe, data or version; starting anew.")
    fitted = fit(
        training_data(cohort, config.recipe.seed), config.architecture, config.recipe, progress, saved
    )
    save_checkpoint(out, fitted.model, model_card(fitted, cohort, asdict(config.recipe), evaluation))
    write_documents(out)
    write_record(out, config, fitted, cohort)
    info = load_checkpoint(out).info
    saved.remove()
    return info


def training_key(config: TrainingConfig, cohort: Cohort) -> str:
    """Equal where a training would end with the same weights."""
    versions = [version("lemof-stream"), version("torch"), xgboost_version()]
    return hashlib.sha256(json.dumps([as_dict(config), cohort_sha256(cohort), versions]).encode()).hexdigest()


def input_schema(cohort: Cohort) -> InputSchema:
    """The inputs of a cohort's checkpoint."""
    if cohort.name == "physionet2012":
        return InputSchema()  # with the oxygen saturation that monitors send and its charts lack
    static = STATIC if cohort.name == "sepsis2019" else ADMISSION  # no other set tells hours before the ICU
    return InputSchema.of(cohort.channels, HORIZONS[cohort.name], static)


def training_data(cohort: Cohort, seed: int) -> TrainingData:
    """A cohort on the model's grid, in two views."""
    schema, tasks = input_schema(cohort), TASK_SETS[cohort.name]
    inputs = step_data(cohort, schema, most_steps=schema.horizon_steps).inputs
    person = np.unique(cohort.person, return_inverse=True)[1]
    return TrainingData(
        inputs=inputs,
        other=second_view(cohort, inputs, schema, seed),
        targets=targets(cohort, tasks, inputs.step.shape[1]),
        person=torch.from_numpy(person),
        schema=schema,
        tasks=tasks,
    )


def read_evaluation(file: Path | None) -> dict[str, Any] | None:
    """What `lemof evaluate --json` wrote.

    Raises:
        DataError: it cannot be read or holds no scores.
    """
    if file is None:
        return None
    try:
        scores: dict[str, Any] = json.loads(file.read_text())
        scores["hours"]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{file} holds no scores; write it with `lemof evaluate --json`.") from None
    return scores
