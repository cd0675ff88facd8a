"""What is done at the bedside: fluids, vasopressor, blood, oxygen, ventilator, sedation, antipyretic.

Targets are those of guidelines (mean pressure 65 mm[Hg] and 30 mL/kg in septic shock: Evans et al. 2021; red cells
below a haemoglobin of 7 g/dL: Hébert et al. 1999; PEEP by FiO2: ARDS Network 2000). How fast people act is our choice.
Antibiotics and surgery are in `Traits.controlled`: from then on their cause is gone.
"""

from typing import Final

import numpy as np

from simulators.physiology.lungs import haemoglobin
from simulators.physiology.state import State, Traits, toward

_SEEN_MIN: Final = 10.0
_MAP_LOW: Final = 65.0
_OWN_LOW: Final = 0.8  # of what is normal for the patient, where that is low
_ENOUGH: Final = 9.0  # mm[Hg] above it, less is given
_PRESSOR_UP: Final = 0.004  # ug/kg/min and minute: 0.1 within half an hour
_PRESSOR_DOWN: Final = 0.0015
_PRESSOR_MOST: Final = 1.2
_FLUID_BUDGET: Final = 30.0  # mL/kg, within the day
_FLUID_RATE: Final = 0.25  # mL/kg and minute: half a litre in half an hour
_BLOOD_ML_KG: Final = 70.0
_KEPT_IN_VESSELS: Final = 0.35  # of a crystalloid
_HCT_LOW: Final = 21.0  # %
_UNIT_HCT: Final = 3.0 / 90.0  # a unit of red cells raises the haematocrit by 3, over an hour and a half
_FEVER: Final = 38.5
_ANTIPYRETIC: Final = 0.9  # degrees
_WEAN_AFTER_MIN: Final = 4 * 60.0


def treat(traits: Traits, state: State, random: np.random.Generator) -> None:
    """A minute of care."""
    state.map_seen = toward(state.map_seen, state.map, _SEEN_MIN)
    state.saturation_seen = toward(state.saturation_seen, state.saturation, _SEEN_MIN)
    state.resp_rate_seen = toward(state.resp_rate_seen, state.resp_rate, _SEEN_MIN)
    _pressure(traits, state)
    _airway(traits, state, random)
    _oxygen(state)
    feverish = (
        (state.temperature > _FEVER) & (state.antipyretic < 0.2) & (random.random(len(state.map)) < 1 / 60)
    )
    state.antipyretic = np.where(feverish, _ANTIPYRETIC, toward(state.antipyretic, 0.0, 4 * 60.0))


def _pressure(traits: Traits, state: State) -> None:
    target = np.minimum(_MAP_LOW, _OWN_LOW * traits.map)
    low = state.map_seen < target
    change = np.where(low, _PRESSOR_UP, np.where(state.map_seen > target + _ENOUGH, -_PRESSOR_DOWN, 0.0))
    state.vasopressor = np.clip(state.vasopressor + change, 0.0, _PRESSOR_MOST)
    given = np.where((low | (state.lactate > 4.0)) & (state.fluids < _FLUID_BUDGET), _FLUID_RATE, 0.0)
    state.fluids = toward(state.fluids + given, 0.0, 24 * 60.0)
    state.volume += given * _KEPT_IN_VESSELS / _BLOOD_ML_KG
    cells = np.where(traits.hct * haemoglobin(state) < _HCT_LOW, _UNIT_HCT / traits.hct, 0.0)
    state.red_cells += cells
    state.volume += cells * 0.4  # red cells are a third of the blood


def _airway(traits: Traits, state: State, random: np.random.Generator) -> None:
    chance = random.random(len(state.map))
    failing = (state.saturation_seen < 0.87) | (state.resp_rate_seen > 35.0) | (state.paco2 > 70.0)
    intubated = ~state.ventilated & failing & (chance < 1 / 25)
    well = (
        (state.fio2 <= 0.5)
        & (state.saturation_seen > 0.92)
        & (state.inflammation < 0.35)
        & (state.vasopressor < 0.1)
        & (state.shunt < traits.shunt + 0.1)
        & (state.minute > _WEAN_AFTER_MIN)
    )
    extubated = state.ventilated & well & (state.sedation < 0.3) & (chance < 1 / 1200)
    state.ventilated = (state.ventilated | intubated) & ~extubated
    state.fatigue = np.where(intubated, 0.0, state.fatigue)
    # Controlled breathing needs sedation; a patient who could wean is woken.
    wanted = np.where(state.ventilated, np.where(well, 0.1, 0.65), 0.0)
    state.sedation = toward(state.sedation, wanted, np.where(wanted > state.sedation, 15.0, 3 * 60.0))


def _oxygen(state: State) -> None:
    lack = state.saturation_seen < 0.95
    change = np.where(lack, 0.01, np.where(state.saturation_seen > 0.985, -0.0012, 0.0))
    least = np.where(state.ventilated, 0.38, 0.21)
    most = np.where(state.ventilated, 1.0, 0.7)  # what a mask gives
    state.fio2 = np.clip(state.fio2 + change, least, most)
    state.peep = np.where(state.ventilated, np.clip(5.0 + 18.0 * (state.fio2 - 0.45), 5.0, 16.0), 0.0)
