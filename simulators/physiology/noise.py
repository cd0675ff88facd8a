"""Disturbances that come back to zero: Ornstein-Uhlenbeck processes, a column each.

Shapes: P beds, K = 9 disturbances.
"""

from typing import Final, NamedTuple

import numpy as np

from simulators.physiology.state import Floats, Ints


class _Disturbance(NamedTuple):
    name: str
    spread: float
    """Its standard deviation in the long run."""
    minutes: float
    """Its time constant."""


# Fast ones are breaths, coughs and a turn in bed; slow ones are what rest, pain and hours of nursing do. Our own
# choice, fitted by hand to the correlation over an hour and the spread within stays of PhysioNet 2012.
_TABLE: Final = (
    _Disturbance("heart", 5.0, 10.0),  # /min
    _Disturbance("heart_slow", 8.5, 240.0),
    _Disturbance("tone", 0.11, 8.0),  # share of the vascular tone
    _Disturbance("tone_slow", 0.15, 240.0),
    _Disturbance("stroke", 0.09, 60.0),  # share of the stroke volume
    _Disturbance("breath", 3.2, 5.0),  # /min
    _Disturbance("breath_slow", 2.6, 150.0),
    _Disturbance("shunt", 0.012, 45.0),
    _Disturbance("warmth", 0.45, 480.0),  # degrees: blankets, baths, dialysis
)
_SPREAD: Final = np.array([d.spread for d in _TABLE])
_KEPT: Final = np.exp(-1.0 / np.array([d.minutes for d in _TABLE]))
_FRESH: Final = _SPREAD * np.sqrt(1.0 - _KEPT**2)  # keeps the spread what it is


class Disturbance(NamedTuple):
    """[P] each."""

    heart: Floats
    tone: Floats
    stroke: Floats
    breath: Floats
    shunt: Floats
    warmth: Floats


class Noise:
    """The disturbances of P beds."""

    def __init__(self, beds: int, random: np.random.Generator) -> None:
        self._random = random
        self._value = _SPREAD[:, None] * random.standard_normal((len(_TABLE), beds))

    def renew(self, rows: Ints) -> None:
        """Draw these beds anew: another patient."""
        self._value[:, rows] = _SPREAD[:, None] * self._random.standard_normal((len(_TABLE), len(rows)))

    def advance(self) -> Disturbance:
        """A minute on."""
        fresh = self._random.standard_normal(self._value.shape)
        self._value *= _KEPT[:, None]
        self._value += fresh * _FRESH[:, None]
        heart, heart_slow, tone, tone_slow, stroke, breath, breath_slow, shunt, warmth = self._value
        return Disturbance(heart + heart_slow, tone + tone_slow, stroke, breath + breath_slow, shunt, warmth)
