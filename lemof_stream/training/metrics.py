"""Scores with 95% bootstrap intervals over stays.

n stays, R bootstrap draws; a draw is a weight [n] a stay: how often it was drawn
"""

from collections.abc import Callable, Sequence
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
    return _interval(score(truth, predicted, np.concatenate([np.ones((1, n)), draws])))


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


def paired(
    score: Score, truth: Floats, variants: Sequence[Floats], person: NDArray[np.intp]
) -> list[tuple[Estimate, Estimate]]:
    """Scores of several variants on the same rows, and the difference of each to the first.

    variants: each [S, n], its S seeds' predictions, whose scores are averaged; person [n]: whose a row is, from 0. All
    variants and seeds see the same draws, which are over people.
    """
    known = ~np.isnan(truth)
    if not known.any():
        return [(_interval(np.full(1, np.nan)),) * 2 for _ in variants]
    truth, drawn = truth[known], _draws_of_people(person[known])
    found = [
        np.mean([score(truth, seed[known], drawn) for seed in predicted], axis=0) for predicted in variants
    ]
    return [(_interval(own), _interval(own - found[0])) for own in found]


def _draws_of_people(person: NDArray[np.intp]) -> Floats:
    """Weights [1 + R, n]: once everybody, then how often each row's person was drawn."""
    whose = np.unique(person, return_inverse=True)[1]
    people = int(whose.max()) + 1
    draws = np.random.default_rng(0).multinomial(people, np.full(people, 1 / people), RESAMPLES)
    return np.concatenate([np.ones((1, len(whose))), draws[:, whose]])


def _interval(values: Floats) -> Estimate:
    """The first is the value, the 95% interval is that of the others."""
    value, drawn = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(value) or not len(drawn):
        return {"value": None, "low": None, "high": None}
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}
