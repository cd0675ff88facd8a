"""From a cohort to a checkpoint with its model card."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.contracts.predictions import ModelInfo
from lemof_stream.errors import DataError
from lemof_stream.model import TASK_SETS, Architecture, InputSchema, load_checkpoint, save_checkpoint
from lemof_stream.training.augment import second_view
from lemof_stream.training.card import model_card
from lemof_stream.training.dataset import step_data
from lemof_stream.training.documents import write_documents
from lemof_stream.training.fit import TrainingData, fit
from lemof_stream.training.stages import Progress, Recipe
from lemof_stream.training.targets import targets

HORIZONS = {"eicu": 168, "sepsis2019": 96}
"""Steps: eICU's target ends at a week; of the sepsis patients 99% were discharged or septic by then."""
FEWEST_KNOWN = 20
"""Stays of each outcome below which the folds hold two or three each and calibration means nothing."""


def train(
    cohort: Cohort, out: Path, recipe: Recipe, progress: Progress, evaluation: dict[str, Any] | None = None
) -> ModelInfo:
    """Fit on every stay of the cohort and write the checkpoint to `out`.

    Raises:
        DataError: the cohort knows too few outcomes to fit anything.
    """
    _check_outcomes(cohort)
    data = training_data(cohort, recipe.seed)
    fitted = fit(data, Architecture(), recipe, progress)
    card = model_card(fitted, cohort, asdict(recipe), evaluation)
    save_checkpoint(out, fitted.model, card)
    write_documents(out)
    return load_checkpoint(out).info


def input_schema(cohort: Cohort) -> InputSchema:
    """The inputs of a cohort's checkpoint."""
    if cohort.name == "physionet2012":
        return InputSchema()  # with the oxygen saturation that monitors send and its charts lack
    return InputSchema.of(cohort.channels, HORIZONS[cohort.name])


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


def _check_outcomes(cohort: Cohort) -> None:
    for name, stays in _groups(cohort).items():
        if stays < FEWEST_KNOWN:
            raise DataError(
                f"The cohort {cohort.name} has {stays} stays with {name}, fewer than the {FEWEST_KNOWN} "
                f"that training needs; check that the folder holds the outcomes too."
            )


def _groups(cohort: Cohort) -> dict[str, int]:
    """Stays of each outcome that must be known."""
    if TASK_SETS[cohort.name].readout == "stay":
        days = cohort.length_of_stay
        groups = {
            "death": cohort.death == 1,
            "survival": cohort.death == 0,
            "a stay of at most 3 days": days <= 3,
            "a stay of more than 14 days": days > 14,
        }
        return {name: int(members.sum()) for name, members in groups.items()}
    known = cohort.step_targets
    if known is None:
        return {"targets": 0}
    if TASK_SETS[cohort.name].readout == "remaining":
        return {"targets": len(np.unique(known.stay))}
    return {
        "sepsis": len(np.unique(known.stay[known.value == 1])),
        "hours without sepsis": len(np.unique(known.stay[known.value == 0])),
    }


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
