"""Who will have left by when, from the published probabilities of a long stay.

A prediction gives P(stay > 3), P(> 7) and P(> 14 days), each given that the patient was still there when it was made.
Between these days we assume a constant hazard: the log of the survival function runs straight from one to the next.
That is the only interpolation without a bump of departures at a bin's edge, and it conditions simply: of those who are
here after `passed` days, exp(log S(passed + days) - log S(passed)) are still here `days` later. Beyond 14 days the
hazard of the last stretch goes on, never below a departure in 30 days: somebody in an intensive-care unit leaves it.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

EDGES: Final = {3.0: "p_los_gt_3", 7.0: "p_los_gt_7", 14.0: "p_los_gt_14"}
"""Days, and the column with the probability of a stay that is longer."""

_SMALLEST: Final = (
    1e-6  # below a millionth, probabilities of a calibrated model say nothing; keeps the logs finite
)
_LEAST_HAZARD: Final = 1 / 30
"""Departures a day, at least, beyond the last edge."""


def leaving_within(predictions: Mapping[str, float], days: float, passed: float) -> float:
    """The probability of leaving within `days` for a patient who is here `passed` days after admission, in [0, 1].

    `predictions` holds the columns of `EDGES`.
    """
    knots = _log_survival(predictions)
    return -math.expm1(_at(knots, passed + days) - _at(knots, passed))


def _log_survival(predictions: Mapping[str, float]) -> list[tuple[float, float]]:
    """(day, log of the probability of a longer stay), falling from (0, 0)."""
    knots = [(0.0, 0.0)]
    for day, column in EDGES.items():
        log = math.log(max(predictions[column], _SMALLEST))
        knots.append((day, min(log, knots[-1][1])))
    return knots


def _at(knots: list[tuple[float, float]], day: float) -> float:
    for (left, low), (right, high) in pairwise(knots):
        if day <= right:
            return low + (high - low) * (max(day, 0.0) - left) / (right - left)
    (left, low), (right, high) = knots[-2:]
    return high - max((low - high) / (right - left), _LEAST_HAZARD) * (day - right)
