"""Vital signs and laboratory values of patients who drift between stable and deteriorating.

Narrow, but each part is stated. Every vital sign reverts to a target and is disturbed by noise that is correlated
across signs (the heart rate rises where the pressure falls). The target is the patient's own baseline, a circadian
term, and the severity of the illness times a direction (fast heart and breath, low pressure and saturation, fever).
Severity follows a hidden state that switches at random between stable and deteriorating. Magnitudes are those of
adult intensive care, chosen by us; no recording was fitted.

Shapes: P patients, V = 6 vital signs in the order of `SIGNS`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIGNS: Final = ("heart_rate", "sbp", "dbp", "resp_rate", "temperature", "spo2")
_BASELINE: Final = np.array([82.0, 122.0, 64.0, 17.0, 36.9, 97.0])
_BETWEEN_PATIENTS: Final = np.array([11.0, 14.0, 8.0, 2.5, 0.3, 1.2])
_SEVERE: Final = np.array([42.0, -38.0, -18.0, 12.0, 1.6, -8.0])
_CIRCADIAN: Final = np.array([4.0, 5.0, 3.0, 0.8, 0.35, 0.0])
_CIRCADIAN_PEAK_MIN: Final = 17 * 60.0  # late afternoon, by the body temperature of people who sleep at night
# How far a sign strays around its target, and how fast it comes back; temperature is slow, breath is quick.
_STRAY: Final = np.array([6.0, 8.0, 5.0, 2.2, 0.15, 0.9])
_RETURN_MIN: Final = np.array([12.0, 10.0, 10.0, 6.0, 90.0, 8.0])
_CORRELATION: Final = np.array(
    [
        [1.0, -0.35, -0.25, 0.35, 0.20, -0.15],
        [-0.35, 1.0, 0.75, -0.10, 0.0, 0.05],
        [-0.25, 0.75, 1.0, -0.10, 0.0, 0.05],
        [0.35, -0.10, -0.10, 1.0, 0.10, -0.30],
        [0.20, 0.0, 0.0, 0.10, 1.0, 0.0],
        [-0.15, 0.05, 0.05, -0.30, 0.0, 1.0],
    ]
)
_LOW: Final = np.array([25.0, 40.0, 20.0, 5.0, 33.0, 60.0])
_HIGH: Final = np.array([210.0, 240.0, 140.0, 55.0, 42.0, 100.0])

_WORSENS_MIN: Final = 30 * 60.0  # mean time until a stable patient starts to deteriorate
_RECOVERS_MIN: Final = 12 * 60.0
_SEVERITY_MIN: Final = 3 * 60.0  # hours, not minutes: a trend that a model can see coming

# Laboratory value: level of a stable patient, change at full severity, spread of a draw (of the level).
_LABS: Final[dict[str, tuple[float, float, float]]] = {
    "lactate": (1.2, 5.0, 0.15),
    "ph": (7.40, -0.18, 0.003),
    "hco3": (24.5, -8.0, 0.05),
    "creatinine": (0.9, 1.8, 0.08),
    "bun": (18.0, 25.0, 0.08),
    "potassium": (4.1, 0.9, 0.05),
    "sodium": (139.0, 2.0, 0.012),
    "glucose": (125.0, 55.0, 0.12),
    "wbc": (9.5, 9.0, 0.10),
    "platelets": (220.0, -110.0, 0.06),
    "hct": (33.0, -5.0, 0.04),
}


class Patients:
    """P patients, advanced a minute at a time. The same generator gives the same course."""

    def __init__(self, count: int, minute_of_day: float, random: np.random.Generator) -> None:
        self._random = random
        self._minute = minute_of_day
        self._own = _BASELINE + _BETWEEN_PATIENTS * random.standard_normal((count, len(SIGNS)))
        self._worsening = random.random(count) < 0.25  # a ward is never all well when one starts to look
        self.severity: Floats = np.where(self._worsening, random.uniform(0.3, 1.0, count), 0.0)
        """[P] 0 stable, 1 gravely ill."""
        # The disturbance of a minute that keeps each sign's stray at its stationary size.
        self._keep = np.exp(-1.0 / _RETURN_MIN)
        self._shock = np.linalg.cholesky(_CORRELATION) * (_STRAY * np.sqrt(1.0 - self._keep**2))[:, None]
        self._astray = _STRAY * random.standard_normal((count, len(SIGNS)))

    def advance(self) -> Floats:
        """One minute on; the vital signs [P, V]."""
        count = len(self.severity)
        self._minute += 1.0
        switch = self._random.random(count) < 1.0 / np.where(self._worsening, _RECOVERS_MIN, _WORSENS_MIN)
        self._worsening ^= switch
        self.severity += (self._worsening - self.severity) / _SEVERITY_MIN
        noise = self._random.standard_normal((count, len(SIGNS)))
        self._astray = self._astray * self._keep + noise @ self._shock.T
        day = np.cos(2.0 * np.pi * (self._minute - _CIRCADIAN_PEAK_MIN) / (24 * 60))
        target = self._own + _CIRCADIAN * day + self.severity[:, None] * _SEVERE
        signs: Floats = np.clip(target + self._astray, _LOW, _HIGH)
        return signs

    def draw(self, patient: int) -> dict[str, float]:
        """A set of laboratory values of one patient, by channel."""
        severity = float(self.severity[patient])
        return {
            name: round(level + severity * change + level * spread * self._random.standard_normal(), 2)
            for name, (level, change, spread) in _LABS.items()
        }

    def chart(self, patient: int) -> dict[str, float]:
        """What a nurse charts each hour: coma score and urine of the hour, by channel."""
        severity = float(self.severity[patient])
        return {
            "gcs": float(np.clip(round(15 - 9 * severity + self._random.normal(0, 0.5)), 3, 15)),
            "urine": round(max(0.0, 75 * (1 - 0.8 * severity) + self._random.normal(0, 15)), 0),
        }
