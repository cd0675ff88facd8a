"""The scores of some rows: a block of the report for each task and duration."""

from typing import Any

import numpy as np

from lemof_stream.training.metrics import (
    Floats,
    People,
    absolute_error,
    auprc,
    auroc,
    calibration_error,
    estimate,
    mean,
    median,
    r_squared,
)
from lemof_stream.training.scores.calibration import calibration_line
from lemof_stream.training.scores.rows import Binary, Interval, Rows


def blocks(rows: Rows) -> dict[str, Any]:
    """Counts, then the scores of each task and duration; None where nothing is known."""
    scores: dict[str, Any] = {"rows": len(rows), "stays": len(np.unique(rows.stay))}
    scores |= {name: _binary(task, rows.person) for name, task in rows.tasks.items()}
    return scores | {name: _duration(name, own, rows.person) for name, own in rows.durations.items()}


def _binary(task: Binary, person: People) -> dict[str, Any]:
    slope, intercept = calibration_line(*task, person)
    known = ~np.isnan(task.truth)
    return {
        "rows": int(known.sum()),
        "positive": int(np.nansum(task.truth)),
        "mean_predicted": _mean(task.predicted[known]),
        "auroc": estimate(auroc, *task, person),
        "auprc": estimate(auprc, *task, person),
        "ece": estimate(calibration_error, *task, person),
        "slope": slope,
        "intercept": intercept,
    }


def _duration(name: str, own: Interval, person: People) -> dict[str, Any]:
    known, error = ~np.isnan(own.truth), np.abs(own.truth - own.point)
    inside = np.where(known, ((own.truth >= own.low) & (own.truth <= own.high)).astype(float), np.nan)
    return {
        "rows": int(known.sum()),
        "mae": estimate(absolute_error, own.truth, own.point, person),
        "median_error": estimate(median, error, error, person),
        "r2": estimate(r_squared, own.truth, own.point, person),
        "coverage": estimate(mean, inside, inside, person),
        f"interval_{name.rsplit('_', 1)[-1]}": _mean(own.high - own.low),
    }


def _mean(values: Floats) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None
