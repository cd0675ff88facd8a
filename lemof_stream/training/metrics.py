"""Scores with 95% bootstrap intervals over stays.

n stays, R bootstrap draws; a draw is a weight [n] a stay: how often it was drawn
"""

from collections.abc import Callable
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Score = Callable[[Floats, Floats, Floats], Floats]
"""truth [n], predicted [n], weight [R, n] -> score of every draw [R]; NaN where it is not defined."""

RESAMPLES = 400
"""Bootstrap draws: the interval's ends move by some 0.002 between seeds, well below its width."""
ECE_BINS = 10


class Estimate(TypedDict):
    """A score and its 95% interval; None where it is not defined (one class only, nobody left)."""

    value: float | None
    low: float | None
    high: float | None


def auroc(truth: Floats, predicted: Floats, weight: Floats) -> Floats:
    """Area under the ROC curve; ties count half."""
    positive, negative = _by_score(truth, predicted, weight)
    below = negative.cumsum(1) - negative / 2
    return _ratio((positive * below).sum(1), positive.sum(1) * negative.sum(1))


def auprc(truth: Floats, predicted: Floats, weight: Floats) -> Floats:
    """Average precision."""
    positive, negative = (part[:, ::-1] for part in _by_score(truth, predicted, weight))
    found = positive.cumsum(1)
    precision = found / np.maximum(found + negative.cumsum(1), 1e-12)
    return _ratio((positive * precision).sum(1), positive.sum(1) * (negative.sum(1) > 0))


def calibration_error(truth: Floats, predicted: Floats, weight: Floats) -> Floats:
    """Expected calibration error over bins of equal count."""
    order = np.argsort(predicted, kind="stable")
    starts = np.unique(np.linspace(0, len(order), ECE_BINS, endpoint=False).astype(np.intp))
    gaps = np.add.reduceat(weight[:, order] * (truth - predicted)[order], starts, axis=1)
    return _ratio(np.abs(gaps).sum(1), weight.sum(1))


def absolute_error(truth: Floats, predicted: Floats, weight: Floats) -> Floats:
    """Mean absolute error."""
    return _ratio(weight @ np.abs(truth - predicted), weight.sum(1))


def mean(truth: Floats, _: Floats, weight: Floats) -> Floats:
    """Mean of the truth: of 0 and 1, a share."""
    return _ratio(weight @ truth, weight.sum(1))


def estimate(score: Score, truth: Floats, predicted: Floats, seed: int = 0) -> Estimate:
    """A score over the stays whose truth is known, with a percentile bootstrap interval."""
    known = ~np.isnan(truth)
    truth, predicted, n = truth[known], predicted[known], int(known.sum())
    if n == 0:
        return {"value": None, "low": None, "high": None}
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), RESAMPLES).astype(np.float64)
    value = float(score(truth, predicted, np.ones((1, n)))[0])
    scores = score(truth, predicted, draws)
    scores = scores[~np.isnan(scores)]
    if np.isnan(value) or not len(scores):
        return {"value": None, "low": None, "high": None}
    low, high = np.quantile(scores, [0.025, 0.975])
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _by_score(truth: Floats, predicted: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weight of positives and of negatives at each distinct prediction, ascending: [R, distinct] each."""
    order = np.argsort(predicted, kind="stable")
    ranked = predicted[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    drawn = weight[:, order]
    positive = np.add.reduceat(drawn * truth[order], starts, axis=1)
    return positive, np.add.reduceat(drawn * (1 - truth[order]), starts, axis=1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    found: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return found
