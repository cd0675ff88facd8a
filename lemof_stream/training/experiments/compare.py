"""Variants against the first of them, by hour and task, paired over people.

N stays, S seeds, K tasks
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lemof_stream.cohorts import Cohort
from lemof_stream.model.tasks import TASK_SETS, TaskSet
from lemof_stream.training.evaluate import HOURS, recorded_at
from lemof_stream.training.experiments.setting import Variant
from lemof_stream.training.metrics import Estimate, Floats, Score, absolute_error, auroc, paired
from lemof_stream.training.scores.rows import Places, last_rows
from lemof_stream.training.targets import targets

GROUPS = ("recorded", "all")
"""Stays with a value in the last hours (see `evaluate`), by which choices are judged, and all stays."""


class Comparison(TypedDict):
    """A variant's score at an hour, mean over seeds, and its difference to the first variant's."""

    variant: str
    group: str
    task: str
    metric: str
    hour: int
    stays: int
    score: Estimate
    difference: Estimate


def compare(variants: Sequence[Variant], cohort: Cohort) -> list[Comparison]:
    """Score the predictions that each variant made of the cohort; variants without any are left out."""
    tasks = TASK_SETS[cohort.name]
    scored = [variant for variant in variants if variant.tables]
    if not scored:
        return []
    person = np.unique(cohort.person, return_inverse=True)[1].astype(np.intp)
    found: list[Comparison] = []
    for hour in HOURS:
        predicted = [
            np.stack([_at_hour(table, cohort, tasks, hour) for table in variant.tables]) for variant in scored
        ]
        truth = _truth(scored[0].tables[0], cohort, tasks, hour)
        recorded = recorded_at(cohort, 60 * hour)
        for k, (column, metric, score) in enumerate(_questions(tasks)):
            for group in GROUPS:
                own = truth[:, k].copy()
                if group == "recorded":
                    own[~recorded] = np.nan
                pairs = paired(score, own, [seeds[:, :, k] for seeds in predicted], person)
                stays = int((~np.isnan(own)).sum())
                found += [
                    Comparison(
                        variant=variant.name,
                        group=group,
                        task=column,
                        metric=metric,
                        hour=hour,
                        stays=stays,
                        score=value,
                        difference=difference,
                    )
                    for variant, (value, difference) in zip(scored, pairs, strict=True)
                ]
    return found


def _questions(tasks: TaskSet) -> list[tuple[str, str, Score]]:
    """Published columns that are scored, and how."""
    if tasks.readout == "remaining":
        return [(tasks.columns[0], "MAE", absolute_error)]
    return [(name, "AUROC", auroc) for name in tasks.names]


def _rows(table: pa.Table, cohort: Cohort, hour: int) -> tuple[Places, Places]:
    """Rows of each stay's last prediction up to an hour, and whose they are."""
    place = {stay_id: row for row, stay_id in enumerate(cohort.stay_ids)}
    stay = np.array([place[stay_id] for stay_id in table["stay_id"].to_pylist()], dtype=np.intp)
    rows = last_rows(stay, table["step_end_min"].to_numpy(), 60 * hour)
    return rows, stay[rows]


def _at_hour(table: pa.Table, cohort: Cohort, tasks: TaskSet, hour: int) -> Floats:
    """[N, K] what is predicted at an hour."""
    rows, stay = _rows(table, cohort, hour)
    found = np.full((len(cohort), len(_questions(tasks))), np.nan)
    for k, (column, _, _) in enumerate(_questions(tasks)):
        found[stay, k] = pc.cast(table[column], pa.float64()).to_numpy()[rows]
    return found


def _truth(table: pa.Table, cohort: Cohort, tasks: TaskSet, hour: int) -> Floats:
    """[N, K] the truth at the step of each stay's last prediction up to an hour; NaN where unknown."""
    rows, stay = _rows(table, cohort, hour)
    end = table["step_end_min"].to_numpy()
    known = targets(cohort, tasks, int(end.max(initial=60)) // 60)
    wanted = known.duration.unsqueeze(-1) if tasks.readout == "remaining" else known.binary
    found = np.full((len(cohort), wanted.shape[-1]), np.nan)
    found[stay] = wanted.numpy()[stay, end[rows] // 60 - 1]
    return found
