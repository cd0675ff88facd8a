"""What a nurse reads and writes down: coma score, urine, the ventilator's settings, weight.

Shapes: R rows of P beds.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from simulators.physiology.organs import coma_score
from simulators.physiology.patients import Patients
from simulators.physiology.state import Ints

Values = list[dict[str, float]]

_SCORED_WITHIN: Final = 0.4  # points by which two nurses differ
_READ_WITHIN: Final = 0.6  # log spread: a catheter drains in gushes and is read late
_KG_FOR_A_VOLUME: Final = 0.07  # blood is 7% of the weight, and what leaks from it stays in the body


def coma(rows: Ints, patients: Patients, random: np.random.Generator) -> Values:
    """[R] the Glasgow coma score."""
    score = coma_score(patients.state)[rows] + random.normal(0.0, _SCORED_WITHIN, len(rows))
    return [{"gcs": value} for value in np.clip(np.round(score), 3.0, 15.0).tolist()]


def urine(rows: Ints, patients: Patients, random: np.random.Generator) -> Values:
    """[R] the urine since it was last read, in steps of 5 mL; it begins again from nothing."""
    gush = random.lognormal(-(_READ_WITHIN**2) / 2.0, _READ_WITHIN, len(rows))
    volume = np.minimum(5.0 * np.round(patients.state.urine[rows] * gush / 5.0), 2000.0)
    patients.state.urine[rows] = 0.0
    return [{"urine": value} for value in volume.tolist()]


def ventilator(rows: Ints, patients: Patients, _: np.random.Generator) -> Values:
    """[R] what a ventilator is set to; nothing of who breathes without one, as PhysioNet 2012 has it."""
    on = patients.state.ventilated[rows].tolist()
    fio2 = np.round(0.05 * np.round(patients.state.fio2[rows] / 0.05), 2).tolist()
    return [{"fio2": share, "mech_vent": 1.0} if own else {} for own, share in zip(on, fio2, strict=True)]


def weight(rows: Ints, patients: Patients, _: np.random.Generator) -> Values:
    """[R] the weight on a bed's scales."""
    swollen = 1.0 + _KG_FOR_A_VOLUME * (patients.state.volume[rows] - 1.0)
    kg = np.round(patients.traits.weight[rows] * swollen, 1)
    return [{"weight": value} for value in kg.tolist()]


Charting = Callable[[Ints, Patients, np.random.Generator], Values]
"""One way of the above."""
