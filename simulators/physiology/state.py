"""What a patient is, and how a patient is: columns over P beds.

Shapes: every field is [P]. Fractions of the patient's own healthy value have no unit.
"""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NORMAL_TEMPERATURE: Final = 36.9  # degrees Celsius


@dataclass
class Columns:
    """Columns of one length, a row a bed."""

    def put(self, rows: Ints, other: Self) -> None:
        """Overwrite these rows by those of `other`, in their order."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)


@dataclass
class Traits(Columns):
    """What does not change during a stay."""

    archetype: Ints
    """Index into `archetypes.ARCHETYPES`."""
    weight: Floats
    """kg."""
    heart_rate: Floats
    """/min, at rest and in health; likewise the following ones."""
    map: Floats
    """mm[Hg], the mean pressure that the baroreflex defends."""
    pulse_pressure: Floats
    """mm[Hg]."""
    resp_rate: Floats
    """/min."""
    temperature: Floats
    """Cel."""
    shunt: Floats
    """Share of the heart's output that passes the lungs without taking up oxygen."""
    paco2: Floats
    """mm[Hg], what the breathing centre holds."""
    hco3: Floats
    """mmol/L."""
    hct: Floats
    """%."""
    onset: Floats
    """Minutes from admission to the insult."""
    controlled: Floats
    """Minutes from admission to the control of its cause: antibiotics that work, a bleeding stopped."""
    infection: Floats
    """Inflammation that the infection drives the body to, 0 to 1."""
    bleeding: Floats
    """Share of the blood that is lost in a minute."""
    lung_injury: Floats
    """Shunt that the insult adds."""
    response: Floats
    """How well vessels answer to a vasopressor, 1 in full."""
    planned: Floats
    """Minutes after which the patient leaves once well."""


@dataclass
class State(Columns):
    """What changes from minute to minute: the body, and what is done to it."""

    minute: Floats
    """Since admission."""
    inflammation: Floats
    """0 none, 1 full septic shock."""
    volume: Floats
    """Blood volume, 1 in health."""
    tone: Floats
    """Vascular tone, 1 in health, without what the baroreflex adds."""
    reflex: Floats
    """Share that the baroreflex adds to the tone."""
    contractility: Floats
    """1 in health."""
    output: Floats
    """Cardiac output, 1 in health."""
    heart_rate: Floats
    map: Floats
    pulse_pressure: Floats
    shunt: Floats
    saturation: Floats
    """Of arterial blood, 0 to 1."""
    paco2: Floats
    resp_rate: Floats
    fatigue: Floats
    """Of the breathing muscles, 0 to 1."""
    temperature: Floats
    lactate: Floats
    hco3: Floats
    kidney: Floats
    """Clearance, 1 in health."""
    creatinine: Floats
    """Over the patient's own, 1 in health."""
    injury: Floats
    """Of the liver and the heart by hypoperfusion, 0 to 1."""
    red_cells: Floats
    """Mass of red cells, 1 as at admission."""
    urine: Floats
    """mL since it was last charted."""
    ventilated: Mask
    fio2: Floats
    peep: Floats
    """cm[H2O]; 0 without a ventilator."""
    sedation: Floats
    """0 awake, 1 deep."""
    vasopressor: Floats
    """ug/kg/min of norepinephrine."""
    fluids: Floats
    """mL/kg given of late."""
    antipyretic: Floats
    """Degrees by which it lowers the temperature."""
    map_seen: Floats
    """What those at the bedside act on: the mean of some ten minutes; likewise the following ones."""
    saturation_seen: Floats
    resp_rate_seen: Floats


def toward(value: Floats, target: Floats | float, minutes: Floats | float) -> Floats:
    """[P] a minute on for what comes to `target` with this time constant."""
    moved: Floats = value + (target - value) * -np.expm1(-1.0 / minutes)
    return moved


def day_curve(minute_of_day: float) -> float:
    """The daily rhythm, 1 at its peak in late afternoon and -1 twelve hours later.

    The peak is that of the body temperature of people who sleep at night (Refinetti and Menaker 1992); in intensive
    care it is often flatter and shifted, which is left out.
    """
    peak = 17 * 60
    return float(np.cos(2 * np.pi * (minute_of_day - peak) / (24 * 60)))
