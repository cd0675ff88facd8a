"""Scores of a cohort's predictions by hours observed, over all stays and over those still being recorded.

A stay that is no longer recorded has left; features of recency find that and would score on it, which no bedside
system can. So every score is reported a second time on the stays with a value in the last `RECENT_HOURS`.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lemof_stream.cohorts import Cohort
from lemof_stream.model.tasks import TASK_SETS
from lemof_stream.training.metrics import (
    Floats,
    absolute_error,
    auprc,
    auroc,
    calibration_error,
    estimate,
    mean,
)

HOURS = (6, 12, 24, 48)
RECENT_HOURS = 6

LOS_EDGES = TASK_SETS["physionet2012"].edges

Rows = NDArray[np.intp]


def evaluate(table: pa.Table, cohort: Cohort) -> dict[str, Any]:
    """Scores by hour; at each hour a stay counts with its last prediction at or before it."""
    place = {stay_id: row for row, stay_id in enumerate(cohort.stay_ids)}
    stay = np.array([place[stay_id] for stay_id in table["stay_id"].to_pylist()], dtype=np.intp)
    end = table["step_end_min"].to_numpy()
    hours = {}
    for hour in HOURS:
        rows = last_rows(stay, end, 60 * hour)
        recorded = recorded_at(cohort, 60 * hour)
        hours[str(hour)] = {
            "all": _scores(table, rows, stay[rows], cohort),
            "recorded": _scores(table, rows[recorded[stay[rows]]], stay[rows][recorded[stay[rows]]], cohort),
        }
    ids = f"{min(cohort.stay_ids)} to {max(cohort.stay_ids)}"
    return {"cohort": cohort.name, "stays": len(cohort), "stay_ids": ids, "hours": hours}


def last_rows(stay: Rows, end: NDArray[np.int64], minute: int) -> Rows:
    """Row of each stay's last prediction at or before a minute; rows come in order of stay and time."""
    rows = np.flatnonzero(end <= minute)
    newest = np.append(stay[rows][1:] != stay[rows][:-1], True) if len(rows) else np.zeros(0, bool)
    return np.asarray(rows[newest], dtype=np.intp)


def recorded_at(cohort: Cohort, minute: int) -> NDArray[np.bool_]:
    """[S] whether a stay holds a value in the `RECENT_HOURS` up to a minute."""
    recent = (cohort.minute <= minute) & (cohort.minute > minute - 60 * RECENT_HOURS)
    held = np.zeros(len(cohort), bool)
    held[cohort.stay[recent]] = True
    return held


def _scores(table: pa.Table, rows: Rows, stays: Rows, cohort: Cohort) -> dict[str, Any]:
    part = table.take(pa.array(rows))
    column = {name: pc.cast(part[name], pa.float64()).to_numpy() for name in part.column_names[2:]}
    days = cohort.length_of_stay[stays]
    scores: dict[str, Any] = {"stays": len(rows), "death": _binary(cohort.death[stays], column["p_death"])}
    for edge in LOS_EDGES:
        beyond = np.where(np.isnan(days), np.nan, (days > edge).astype(float))
        scores[f"los_gt_{edge:.0f}"] = _binary(beyond, column[f"p_los_gt_{edge:.0f}"])
    inside = np.where(
        np.isnan(days),
        np.nan,
        ((days >= column["los_days_lo"]) & (days <= column["los_days_hi"])).astype(float),
    )
    width = column["los_days_hi"] - column["los_days_lo"]
    scores["los_days"] = {
        "mae": estimate(absolute_error, days, column["los_days"]),
        "coverage": estimate(mean, inside, inside),
        "interval_days": round(float(width.mean()), 3) if len(width) else None,
    }
    return scores


def _binary(truth: Floats, predicted: Floats) -> dict[str, Any]:
    known = ~np.isnan(truth)
    return {
        "stays": int(known.sum()),
        "positive": int(np.nansum(truth)),
        "auroc": estimate(auroc, truth, predicted),
        "auprc": estimate(auprc, truth, predicted),
        "ece": estimate(calibration_error, truth, predicted),
    }
