"""Scores with 95% bootstrap intervals over people.

n rows, P people, R bootstrap draws; a draw is a weight [n] a row: how often its person was drawn
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
People = NDArray[np.intp]
Score = Callable[[Floats, Floats, Floats], Floats]
"""truth [n], predicted [n], weight [R, n] -> score of every draw [R]; NaN where it is not defined."""

RESAMPLES = 400
"""Bootstrap draws: the interval's ends move by some 0.002 between seeds, well below its width."""
ECE_BINS = 10
CHUNK = 300_000
"""Weights that are held at once: 2 MB, which stay near the processor from one pass over them to the next."""


class Estimate(TypedDict):
    """A score and its 95% interval; None where it is not defined (one class only, nobody left)."""

    value: float | None
    low: float | None
    high: float | None


UNDEFINED: Estimate = {"value": None, "low": None, "high": None}


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
    gaps = np.add.reduceat(_taken(weight, order) * (truth - predicted)[order], starts, axis=1)
    return _ratio(np.abs(gaps).sum(1), weight.sum(1))


def absolute_error(truth: Floats, predicted: Floats, weight: Floats) -> Floats:
    """Mean absolute error."""
    return _ratio(weight @ np.abs(truth - predicted), weight.sum(1))


def median(truth: Floats, _: Floats, weight: Floats) -> Floats:
    """Median of the truth: the least that at least half of the weight does not exceed."""
    order = np.argsort(truth, kind="stable")
    below = _taken(weight, order).cumsum(1)
    half = (below >= below[:, -1:] / 2).argmax(1)
    return np.where(below[:, -1] > 0, truth[order][half], np.nan)


def r_squared(truth: Floats, predicted: Floats, weight: Floats) -> Floats:
    """Share of the truth's variance that is explained; not defined where the truth does not vary."""
    total = weight.sum(1)
    centre = np.divide(weight @ truth, total, out=np.zeros(len(total)), where=total > 0)
    around = truth - truth.mean()  # near zero, so that the squares below lose nothing
    spread = weight @ around**2 - total * (centre - truth.mean()) ** 2
    return 1 - _ratio(weight @ (truth - predicted) ** 2, np.where(spread > 1e-9 * total, spread, 0.0))


def mean(truth: Floats, _: Floats, weight: Floats) -> Floats:
    """Mean of the truth: of 0 and 1, a share."""
    return _ratio(weight @ truth, weight.sum(1))


def estimate(score: Score, truth: Floats, predicted: Floats, person: People | None = None) -> Estimate:
    """A score over the rows whose truth is known, with a percentile bootstrap interval.

    `person` [n]: whose a row is, as people are drawn, not rows; None where every row is somebody else's.
    """
    known = ~np.isnan(truth)
    truth, predicted = truth[known], predicted[known]
    if not len(truth):
        return UNDEFINED
    order = np.argsort(predicted, kind="stable")  # once, as every chunk of draws sorts again
    truth, predicted = truth[order], predicted[order]
    whose = order if person is None else person[known][order]
    value = float(score(truth, predicted, np.ones((1, len(truth))))[0])
    drawn = [score(truth, predicted, weight) for weight in _weights(len(truth), whose)]
    return _interval(value, np.concatenate(drawn))


def paired(
    score: Score, truth: Floats, variants: Sequence[Floats], person: People
) -> list[tuple[Estimate, Estimate]]:
    """Scores of several variants on the same rows, and the difference of each to the first.

    variants: each [S, n], its S seeds' predictions, whose scores are averaged; person [n]: whose a row is. All variants
    and seeds see the same draws, which are over people.
    """
    known = ~np.isnan(truth)
    if not known.any():
        return [(UNDEFINED, UNDEFINED) for _ in variants]
    truth = truth[known]
    own = [[_ranked(truth, seed[known]) for seed in seeds] for seeds in variants]

    def scores(weight: Floats) -> Floats:
        return np.array(
            [
                np.mean([score(known, said, _taken(weight, order)) for order, known, said in seeds], axis=0)
                for seeds in own
            ]
        )

    value = scores(np.ones((1, len(truth))))[:, 0]
    drawn = np.concatenate([scores(weight) for weight in _weights(len(truth), person[known])], 1)
    return [
        (_interval(value[v], drawn[v]), _interval(value[v] - value[0], drawn[v] - drawn[0]))
        for v in range(len(own))
    ]


def _ranked(truth: Floats, predicted: Floats) -> tuple[People, Floats, Floats]:
    """An order, and both in it: ascending predictions, once, as every chunk of draws sorts again."""
    order = np.argsort(predicted, kind="stable")
    return order, truth[order], predicted[order]


def _weights(rows: int, person: People) -> Iterator[Floats]:
    """Weights of all draws [R, n] in chunks."""
    whose = np.unique(person, return_inverse=True)[1]
    people = int(whose.max()) + 1
    random = np.random.default_rng(0)
    size = max(1, min(RESAMPLES, CHUNK // rows))
    for start in range(0, RESAMPLES, size):
        draws = min(size, RESAMPLES - start)
        drawn = random.integers(people, size=(draws, people)) + people * np.arange(draws)[:, None]
        count = np.bincount(drawn.ravel(), minlength=draws * people).reshape(draws, people)
        yield count.astype(np.float64).take(whose, axis=1)


def _interval(value: float, drawn: Floats) -> Estimate:
    drawn = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(drawn):
        return UNDEFINED
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"value": round(float(value), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _by_score(truth: Floats, predicted: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Weight of positives and of negatives at ascending predictions: [R, bins] each.

    A bin is a distinct prediction of some positive, or all negatives between two of these, which no score tells apart.
    """
    order = np.argsort(predicted, kind="stable")
    ranked, positives = predicted[order], truth[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    holds = np.add.reduceat(positives, starts) > 0
    starts = starts[holds | np.append(True, holds[:-1])]
    drawn = _taken(weight, order)
    total = np.add.reduceat(drawn, starts, axis=1)
    some = np.flatnonzero(positives)
    positive = np.zeros_like(total)
    if len(some):
        place = np.searchsorted(starts, some, side="right") - 1
        first = np.flatnonzero(np.append(True, place[1:] != place[:-1]))
        positive[:, place[first]] = np.add.reduceat(drawn[:, some], first, axis=1)
    return positive, total - positive


def _taken(weight: Floats, order: People) -> Floats:
    """Columns of `weight` in an order; they are many, so they are not copied where they stand in it already."""
    return weight if (order[1:] > order[:-1]).all() else weight[:, order]


def _ratio(part: Floats, whole: Floats) -> Floats:
    found: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return found
