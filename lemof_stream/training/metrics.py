"""Scores with 95% bootstrap intervals over stays."""

from collections.abc import Callable
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

Floats = NDArray[np.float64]
Score = Callable[[Floats, Floats], float]

RESAMPLES = 400
"""Bootstrap draws: the interval's ends move by less than 0.002 between seeds, below what is reported."""
ECE_BINS = 10


class Estimate(TypedDict):
    """A score and its 95% interval; None where it is not defined (one class only, nobody left)."""

    value: float | None
    low: float | None
    high: float | None


def auroc(truth: Floats, predicted: Floats) -> float:
    """Area under the ROC curve; NaN with one class."""
    return float(roc_auc_score(truth, predicted)) if 0 < truth.mean() < 1 else float("nan")


def auprc(truth: Floats, predicted: Floats) -> float:
    """Average precision; NaN with one class."""
    return float(average_precision_score(truth, predicted)) if 0 < truth.mean() < 1 else float("nan")


def calibration_error(truth: Floats, predicted: Floats) -> float:
    """Expected calibration error over bins of equal count."""
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, ECE_BINS) if len(part)]
    gaps = [abs(truth[part].mean() - predicted[part].mean()) * len(part) for part in parts]
    return float(np.sum(gaps) / len(truth))


def absolute_error(truth: Floats, predicted: Floats) -> float:
    """Mean absolute error."""
    return float(np.abs(truth - predicted).mean())


def coverage(inside: Floats, _: Floats) -> float:
    """Share of truths inside their interval."""
    return float(inside.mean())


def estimate(score: Score, truth: Floats, predicted: Floats, seed: int = 0) -> Estimate:
    """A score over stays whose truth is known, with a percentile bootstrap interval."""
    known = ~np.isnan(truth)
    truth, predicted = truth[known], predicted[known]
    if not len(truth):
        return {"value": None, "low": None, "high": None}
    random = np.random.default_rng(seed)
    draws = (random.integers(0, len(truth), len(truth)) for _ in range(RESAMPLES))
    scores = np.array([score(truth[draw], predicted[draw]) for draw in draws])
    scores = scores[~np.isnan(scores)]
    low, high = np.quantile(scores, [0.025, 0.975]) if len(scores) else (float("nan"), float("nan"))
    return {"value": _rounded(score(truth, predicted)), "low": _rounded(low), "high": _rounded(high)}


def _rounded(number: float) -> float | None:
    return None if np.isnan(number) else round(float(number), 4)
