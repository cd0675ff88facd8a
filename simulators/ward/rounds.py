"""When blood is drawn and charts are filled, and what comes of it.

Shapes: P beds, R rows of them, D = 11 duties.
"""

from typing import Final, NamedTuple

import numpy as np

from simulators.physiology import (
    BLOOD,
    GAS,
    LACTATE,
    LIPIDS,
    LIVER,
    TROPONIN_I,
    TROPONIN_T,
    Ints,
    Laboratory,
    Mask,
    Patients,
    chart,
)

_HOUR: Final = 60
_NEVER: Final = 1 << 30  # minutes: a duty that a stay does not have


class _Duty(NamedTuple):
    """A panel of the laboratory, or a way of charting. Each stay draws an interval of its own."""

    what: tuple[str, ...] | chart.Charting
    every_h: tuple[int, int]
    first_min: tuple[int, int]
    """Since admission."""
    share: float = 1.0
    """Of the stays that have it at all."""


# Intervals and shares near those of PhysioNet 2012, set a.
_DUTIES: Final = (
    _Duty(chart.urine, (1, 1), (5, 10)),
    _Duty(chart.coma, (2, 4), (5, 10)),
    _Duty(chart.ventilator, (3, 5), (5, 10)),
    _Duty(chart.weight, (24, 24), (5, 30)),
    _Duty(GAS, (4, 9), (5, 45), share=0.76),
    _Duty(LACTATE, (6, 12), (5, 45), share=0.55),
    _Duty(BLOOD, (9, 18), (5, 45)),
    _Duty(LIVER, (20, 28), (5, 45), share=0.43),
    _Duty(TROPONIN_T, (8, 12), (5, 45), share=0.22),
    _Duty(TROPONIN_I, (8, 12), (5, 45), share=0.05),
    _Duty(LIPIDS, (48, 72), (30, 600), share=0.08),
)


class Rounds:
    """Laboratory and charts of P beds."""

    def __init__(self, beds: int, random: np.random.Generator) -> None:
        self._random = random
        self._laboratory = Laboratory(beds, random)
        self._every = np.zeros((len(_DUTIES), beds), np.int64)
        self._first = np.zeros_like(self._every)
        self._plan(np.arange(beds))

    def renew(self, rows: Ints) -> None:
        """Other patients lie in these beds."""
        self._laboratory.renew(rows)
        self._plan(rows)

    def make(self, patients: Patients, taken: Mask) -> dict[int, dict[str, float]]:
        """What is drawn and charted in this minute, by channel, of each bed that has something."""
        since = patients.state.minute.astype(np.int64) - self._first
        due = (since % self._every == 0) & (since >= 0) & taken
        found: dict[int, dict[str, float]] = {}
        for number in np.flatnonzero(due.any(1)):
            rows = np.flatnonzero(due[number])
            for row, values in zip(rows.tolist(), self._result(_DUTIES[number], rows, patients), strict=True):
                if values:
                    found.setdefault(row, {}).update(values)
        return found

    def _result(self, duty: _Duty, rows: Ints, patients: Patients) -> chart.Values:
        if isinstance(duty.what, tuple):
            return self._laboratory.draw(duty.what, rows, patients)
        return duty.what(rows, patients, self._random)

    def _plan(self, rows: Ints) -> None:
        for number, duty in enumerate(_DUTIES):
            every = self._random.integers(*duty.every_h, endpoint=True, size=len(rows)) * _HOUR
            spared = self._random.random(len(rows)) >= duty.share
            first = self._random.integers(*duty.first_min, endpoint=True, size=len(rows))
            self._every[number, rows] = every
            self._first[number, rows] = np.where(spared, _NEVER, first)
