"""Is a predicted risk what comes to pass? Slope and intercept, and reliability with intervals.

n rows, P people: rows of one person are no independent evidence, so variances are summed over people.
"""

from typing import TypedDict

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from lemof_stream.training.metrics import ECE_BINS, UNDEFINED, Estimate, Floats, People

NEWTON_STEPS = 25
"""Two weights from a start near the solution: it stands still after some ten, or the classes are apart."""
EDGE = 1e-6
"""Predictions are kept so far from 0 and 1, where their logit has no end."""
Z = float(norm.ppf(0.975))
FEWEST = 5
"""Rows of each class below which a slope means nothing."""


class Bin(TypedDict):
    """Rows of similar prediction: how many, what was predicted and what came to pass on average, its 95% interval."""

    rows: int
    predicted: float
    observed: float
    low: float
    high: float


def calibration_line(truth: Floats, predicted: Floats, person: People) -> tuple[Estimate, Estimate]:
    """Calibration slope (1 when spread as it should be) and calibration in the large (0 when right on average).

    The slope is that of a logistic regression of the truth on the predicted logit; the intercept that of one whose
    slope is held at 1 (Van Calster et al. 2019). Intervals are Wald's with variances robust to rows of one person.
    """
    known = ~np.isnan(truth)
    truth, person = truth[known], person[known]
    if min(truth.sum(), (1 - truth).sum()) < FEWEST:
        return UNDEFINED, UNDEFINED
    x = logit(predicted[known].clip(EDGE, 1 - EDGE))
    slope = _logistic(np.stack([x, np.ones_like(x)], 1), np.zeros_like(x), truth, person)
    return slope, _logistic(np.ones((len(x), 1)), x, truth, person)


def _logistic(x: Floats, offset: Floats, truth: Floats, person: People) -> Estimate:
    """The first weight of a logistic regression on x [n, p], with a cluster-robust interval."""
    weight = np.zeros(x.shape[1])
    curve = np.eye(x.shape[1])
    for _ in range(NEWTON_STEPS):
        p = expit(x @ weight + offset)
        curve = (x.T * (p * (1 - p))) @ x
        if np.linalg.matrix_rank(curve, hermitian=True) < len(weight):
            return UNDEFINED  # one prediction for all, or classes apart
        move = np.linalg.solve(curve, x.T @ (truth - p))
        weight = weight + move
        if np.abs(move).max() < 1e-9:
            break
    else:
        return UNDEFINED
    residual = x * (truth - expit(x @ weight + offset))[:, None]
    score = _sums(residual, person)
    bread = np.linalg.inv(curve)
    error = Z * float(np.sqrt((bread @ (score.T @ score) @ bread)[0, 0]))
    value = float(weight[0])
    return {"value": round(value, 4), "low": round(value - error, 4), "high": round(value + error, 4)}


def reliability(truth: Floats, predicted: Floats, person: People) -> list[Bin]:
    """Bins of equal count over the rows whose truth is known, ascending; a share has Wilson's interval."""
    known = ~np.isnan(truth)
    truth, predicted, person = truth[known], predicted[known], person[known]
    share = bool(np.isin(truth, (0, 1)).all())
    bins: list[Bin] = []
    for rows in np.array_split(np.argsort(predicted, kind="stable"), ECE_BINS):
        if len(rows):
            low, high = (_wilson if share else _wald)(truth[rows], person[rows])
            bins.append(
                {
                    "rows": len(rows),
                    "predicted": round(float(predicted[rows].mean()), 4),
                    "observed": round(float(truth[rows].mean()), 4),
                    "low": round(low, 4),
                    "high": round(high, 4),
                }
            )
    return bins


def _wilson(truth: Floats, person: People) -> tuple[float, float]:
    """Wilson's interval of a share, with as many rows as would tell as much were each somebody else's."""
    share, n = float(truth.mean()), _people(person)
    if 0 < share < 1:
        n = min(share * (1 - share) / _variance(truth, person), len(truth))
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return max(float(centre - half), 0.0), min(float(centre + half), 1.0)


def _wald(truth: Floats, person: People) -> tuple[float, float]:
    middle, half = float(truth.mean()), Z * np.sqrt(_variance(truth, person))
    return middle - half, middle + half


def _variance(truth: Floats, person: People) -> float:
    """Of the mean."""
    return float((_sums(truth[:, None] - truth.mean(), person) ** 2).sum() / len(truth) ** 2)


def _sums(rows: Floats, person: People) -> Floats:
    """[n, p] summed over each person's rows: [P, p]."""
    whose = np.unique(person, return_inverse=True)[1]
    return np.stack([np.bincount(whose, column) for column in rows.T], 1)


def _people(person: People) -> float:
    return float(len(np.unique(person)))
