"""The record of a training, in plain files beside its checkpoint.

record/recipe.toml    architecture and recipe, whole, seed included: `lemof train --recipe` takes it
record/curve.csv      stage, epoch, train_loss, validation_loss
record/record.json    versions, machine, seconds a stage, what the data were
"""

import csv
import hashlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.training.boost import xgboost_version
from lemof_stream.training.epochs import Epoch
from lemof_stream.training.fit import Fitted
from lemof_stream.training.recipe import TrainingConfig, to_toml

PACKAGES = ("lemof-stream", "torch", "numpy", "scipy", "safetensors")
"""Whose versions may change the weights."""


def write_record(out: Path, config: TrainingConfig, fitted: Fitted, cohort: Cohort) -> None:
    """Write the three files to `out/record`."""
    folder = out / "record"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(to_toml(config))
    with (folder / "curve.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(Epoch._fields)
        rows.writerows(fitted.curve)
    facts = {
        "seconds": {stage: round(seconds, 1) for stage, seconds in fitted.seconds.items()},
        "environment": _environment(),
        "data": _data(cohort, fitted),
        "seed": config.recipe.seed,
    }
    (folder / "record.json").write_text(json.dumps(facts, indent=1) + "\n")


def cohort_sha256(cohort: Cohort) -> str:
    """Of all that training reads of a cohort."""
    digest = hashlib.sha256()
    words = (cohort.name, cohort.stay_ids, cohort.person, cohort.channels)
    demographics = [facts.model_dump(mode="json") for facts in cohort.demographics]
    digest.update(json.dumps([words, demographics]).encode())
    columns = (cohort.stay, cohort.minute, cohort.channel, cohort.value)
    outcomes = (cohort.length_of_stay, cohort.death, cohort.recorded_until, *(cohort.step_targets or ()))
    for column in (*columns, *outcomes):
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES} | {"xgboost": xgboost_version()},
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def _data(cohort: Cohort, fitted: Fitted) -> dict[str, Any]:
    return {
        "cohort": cohort.name,
        "stays": len(cohort),
        "persons": len(set(cohort.person)),
        "measurements": len(cohort.value),
        "held_out_stays": len(set(fitted.stay.tolist())),
        "held_out_steps": len(fitted.stay),
        "sha256": cohort_sha256(cohort),
    }
