"""Who comes: five kinds of patient, and what befalls each.

Shapes: N new patients.

Baselines and their spread lie where adults in intensive care do and were then set by hand so that a ward resembles
PhysioNet 2012, set a (`simulators/reports/physionet2012.md`). Sizes and times of insults are our own choice.
"""

from typing import Final, NamedTuple

import numpy as np

from lemof_stream.contracts.ehr import UnitType
from simulators.physiology.people import People
from simulators.physiology.state import Floats, Ints, State, Traits

_HOUR: Final = 60.0
_DAY: Final = 24 * _HOUR
_PLANNED_STAY: Final = (2.1 * _DAY, 0.75)  # median and log spread of the planned stay
_REFRACTORY: Final = 0.22  # share whose vessels hardly answer, or whose cause nobody gets hold of


class Archetype(NamedTuple):
    """A kind of patient. Ranges are uniform."""

    name: str
    onset_h: tuple[float, float]
    """Hours from admission to the insult; before 0 it was there already."""
    control_h: tuple[float, float]
    """Hours from the insult until its cause is under control."""
    infection: tuple[float, float] = (0.0, 0.15)
    bleeding_h: tuple[float, float] = (0.0, 0.0)
    """Share of the blood lost in an hour."""
    lung_injury: tuple[float, float] = (0.0, 0.05)
    ventilated: float = 0.0
    """Share who come with a ventilator."""
    sedation: float = 0.0


ARCHETYPES: Final = (
    Archetype("stable", (-6, 0), (0, 6), ventilated=0.3, sedation=0.3),
    Archetype(
        "septic shock", (-3, 12), (3, 14), infection=(0.6, 1.15), lung_injury=(0.0, 0.15), ventilated=0.5,
        sedation=0.4,
    ),
    Archetype(
        "respiratory failure", (-3, 10), (10, 40), infection=(0.1, 0.45), lung_injury=(0.15, 0.42), ventilated=0.5,
        sedation=0.5,
    ),
    Archetype(
        "bleeding", (-1, 14), (1, 6), bleeding_h=(0.04, 0.14), ventilated=0.4, sedation=0.3,
    ),
    Archetype(
        "weaning", (-10, -2), (2, 8), infection=(0.1, 0.3), lung_injury=(0.08, 0.16), ventilated=1.0, sedation=0.7,
    ),
)  # fmt: skip
# Who lies where; a row a unit, a column an archetype. Our own choice.
_SHARES: Final[dict[UnitType, tuple[float, ...]]] = {
    "coronary": (0.60, 0.10, 0.15, 0.05, 0.10),
    "cardiac_surgery": (0.20, 0.06, 0.06, 0.13, 0.55),
    "medical": (0.36, 0.30, 0.22, 0.07, 0.05),
    "surgical": (0.38, 0.17, 0.08, 0.15, 0.22),
}


def draw(people: People, random: np.random.Generator) -> tuple[Traits, State]:
    """New patients [N] as they are admitted."""
    shares = np.cumsum([_SHARES[unit] for unit in people.unit], axis=1)
    above = random.random((len(people.unit), 1)) > shares
    kind = np.minimum(above.sum(1), len(ARCHETYPES) - 1).astype(np.int64)
    traits = _traits(kind, people, random)
    return traits, _state(traits, random)


def _range(kind: Ints, bounds: list[tuple[float, float]], random: np.random.Generator) -> Floats:
    low, high = np.array(bounds)[kind].T
    drawn: Floats = random.uniform(low, high)
    return drawn


def _traits(kind: Ints, people: People, random: np.random.Generator) -> Traits:
    count = len(kind)
    onset = _range(kind, [a.onset_h for a in ARCHETYPES], random) * _HOUR
    control = _range(kind, [a.control_h for a in ARCHETYPES], random) * _HOUR
    refractory = random.random(count) < _REFRACTORY
    worse = np.where(refractory, 1.35, 1.0)
    return Traits(
        archetype=kind,
        weight=people.weight_kg,
        heart_rate=np.clip(random.normal(81.0, 13.5, count), 48.0, 120.0),
        map=np.clip(random.normal(83.0, 12.0, count), 60.0, 120.0),
        # Stiff arteries of the old: half a mm[Hg] a year.
        pulse_pressure=np.clip(random.normal(60.0, 14.0, count) + 0.5 * (people.age - 64.0), 28.0, 100.0),
        resp_rate=np.clip(random.normal(19.3, 3.6, count), 10.0, 30.0),
        temperature=random.normal(37.0, 0.4, count),
        shunt=np.clip(random.normal(0.032, 0.02, count), 0.008, 0.12),
        paco2=np.clip(random.normal(39.5, 5.0, count), 28.0, 60.0),
        hco3=np.clip(random.normal(24.0, 3.3, count), 14.0, 36.0),
        hct=np.clip(random.normal(31.0, 4.5, count), 22.0, 46.0),
        onset=onset,
        controlled=onset + control * np.where(refractory, 8.0, 1.0),
        infection=_range(kind, [a.infection for a in ARCHETYPES], random) * worse,
        bleeding=_range(kind, [a.bleeding_h for a in ARCHETYPES], random) / _HOUR,
        lung_injury=_range(kind, [a.lung_injury for a in ARCHETYPES], random) * worse,
        response=np.where(refractory, random.uniform(0.1, 0.4, count), random.uniform(0.8, 1.1, count)),
        planned=np.clip(
            _PLANNED_STAY[0] * np.exp(_PLANNED_STAY[1] * random.standard_normal(count)), 8 * _HOUR, 21 * _DAY
        ),
    )


def _state(traits: Traits, random: np.random.Generator) -> State:
    count, kind = len(traits.archetype), traits.archetype
    ventilated = random.random(count) < np.array([a.ventilated for a in ARCHETYPES])[kind]
    sedation = np.array([a.sedation for a in ARCHETYPES])[kind] * ventilated
    ill = np.where(traits.onset < 0, -np.expm1(traits.onset / (6 * _HOUR)), 0.0)  # what has built up by now
    one, none = np.ones(count), np.zeros(count)
    fio2 = np.where(
        ventilated, random.choice([0.4, 0.5, 0.6], count), random.choice([0.21, 0.28, 0.35], count)
    )
    return State(
        minute=none.copy(),
        inflammation=ill * traits.infection,
        volume=one.copy(),
        tone=one.copy(),
        reflex=none.copy(),
        contractility=one.copy(),
        output=one.copy(),
        heart_rate=traits.heart_rate.copy(),
        map=traits.map.copy(),
        pulse_pressure=traits.pulse_pressure.copy(),
        shunt=traits.shunt + ill * traits.lung_injury,
        saturation=one * 0.96,
        paco2=traits.paco2.copy(),
        resp_rate=traits.resp_rate.copy(),
        fatigue=none.copy(),
        # From an operation people come cold.
        temperature=traits.temperature - np.where(kind == _WEANING, random.uniform(0.3, 1.8, count), 0.0),
        lactate=random.lognormal(np.log(1.5), 0.35, count),
        hco3=traits.hco3.copy(),
        kidney=np.clip(random.normal(0.95, 0.1, count), 0.4, 1.1),
        creatinine=one.copy(),
        injury=none.copy(),
        red_cells=one.copy(),
        urine=none.copy(),
        ventilated=ventilated,
        fio2=fio2,
        peep=np.where(ventilated, 5.0, 0.0),
        sedation=sedation,
        vasopressor=none.copy(),
        fluids=none.copy(),
        antipyretic=none.copy(),
        map_seen=traits.map.copy(),
        saturation_seen=one * 0.96,
        resp_rate_seen=traits.resp_rate.copy(),
    )


_WEANING: Final = [a.name for a in ARCHETYPES].index("weaning")
