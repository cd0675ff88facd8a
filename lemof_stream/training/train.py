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
from lemof_stream.model import InputSchema, load_checkpoint, save_checkpoint
from lemof_stream.training.augment import second_view
from lemof_stream.training.card import model_card
from lemof_stream.training.dataset import step_data, targets
from lemof_stream.training.fit import fit
from lemof_stream.training.stages import Progress, Recipe

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
    schema = InputSchema()
    data = step_data(cohort, schema)
    days = torch.from_numpy(cohort.length_of_stay)
    other = second_view(cohort, data.inputs, schema, recipe.seed)
    fitted = fit(data.inputs, other, targets(cohort), days, schema, recipe, progress)
    card = model_card(fitted, cohort, data, asdict(recipe), evaluation)
    save_checkpoint(out, fitted.model, card)
    return load_checkpoint(out).info


def _check_outcomes(cohort: Cohort) -> None:
    days = cohort.length_of_stay
    groups = {
        "death": cohort.death == 1,
        "survival": cohort.death == 0,
        "a stay of at most 3 days": days <= 3,
        "a stay of more than 14 days": days > 14,
    }
    for name, members in groups.items():
        if int(np.sum(members)) < FEWEST_KNOWN:
            raise DataError(
                f"The cohort {cohort.name} has {int(np.sum(members))} stays with {name}, fewer than the {FEWEST_KNOWN} "
                f"that training needs; check that the folder holds the outcomes too."
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
