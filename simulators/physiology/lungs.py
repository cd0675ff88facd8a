"""Lungs and breathing: oxygen past a shunt, carbon dioxide by ventilation, a drive that answers to both."""

from typing import Final

import numpy as np

from simulators.physiology.noise import Disturbance
from simulators.physiology.state import NORMAL_TEMPERATURE, Floats, State, Traits, toward

_DRY_MMHG: Final = 713.0  # air pressure at sea level less that of water vapour at body temperature
_QUOTIENT: Final = 0.8  # carbon dioxide given off for oxygen taken up
_EXTRACTED: Final = 0.25  # saturation that the body takes at rest, at a normal output and haemoglobin
_FROM_INFLAMMATION: Final = 0.10  # shunt that full inflammation adds
_RECRUITED: Final = 0.035  # share of an added shunt that each cm[H2O] of PEEP above 5 opens again
_WORSENS_MIN: Final = 3 * 60.0
_HEALS_MIN: Final = 20 * 60.0
_DEMAND_FOR_A_DEGREE: Final = 0.1  # more carbon dioxide and oxygen a degree of fever
_TIRES: Final = 30.0  # breaths a minute beyond which the muscles tire
_SET_RATE: Final = 15.0  # breaths that a ventilator gives
_BREATH_MIN: Final = 4.0
_PACO2_MIN: Final = 8.0
_BLOOD_MIN: Final = 3.0


def breathe(traits: Traits, state: State, disturbed: Disturbance) -> None:
    """A minute of breathing."""
    active = (state.minute >= traits.onset) & (state.minute < traits.controlled)
    added = traits.lung_injury * active + _FROM_INFLAMMATION * state.inflammation
    state.shunt = toward(
        state.shunt,
        traits.shunt + added,
        np.where(traits.shunt + added > state.shunt, _WORSENS_MIN, _HEALS_MIN),
    )
    state.resp_rate = np.clip(
        toward(state.resp_rate, _rate(traits, state, disturbed), _BREATH_MIN), 4.0, 55.0
    )
    demand = demand_of(state)
    spoilt = 1.0 - 0.6 * np.clip(state.shunt - 0.05, 0.0, 0.5)  # dead space grows with the shunt
    tidal = np.where(state.ventilated, 1.12, 1.0 - 0.45 * state.fatigue) * spoilt
    ventilation = np.maximum(state.resp_rate / traits.resp_rate * tidal, 0.15)
    state.paco2 = np.clip(toward(state.paco2, traits.paco2 * demand / ventilation, _PACO2_MIN), 18.0, 110.0)
    state.saturation = toward(state.saturation, _saturation(traits, state, disturbed, demand), _BLOOD_MIN)
    tiring = np.where(state.ventilated, 0.0, np.clip((state.resp_rate - _TIRES) / 10.0, 0.0, 1.0))
    state.fatigue = toward(state.fatigue, tiring, np.where(tiring > state.fatigue, 4 * 60.0, 8 * 60.0))


def demand_of(state: State) -> Floats:
    """[P] metabolic rate, 1 in health; sedation spares a tenth."""
    demand: Floats = (1.0 + _DEMAND_FOR_A_DEGREE * (state.temperature - NORMAL_TEMPERATURE)) * (
        1.0 - 0.1 * state.sedation
    )
    return demand


def _rate(traits: Traits, state: State, disturbed: Disturbance) -> Floats:
    """[P] the rate that drive and ventilator come to."""
    drive = (
        0.7 * np.clip(state.paco2 - traits.paco2, -12.0, 20.0)
        + 90.0 * np.maximum(0.92 - state.saturation, 0.0)
        + 0.6 * np.clip(24.0 - state.hco3, 0.0, 15.0)  # acid is breathed off
        + 26.0 * np.clip(state.shunt - 0.12, 0.0, 0.4)  # stiff lungs take small breaths
        + 3.0 * state.inflammation
    )
    own = (traits.resp_rate + drive) * (1.0 - 0.35 * state.sedation) + disturbed.breath
    # Deeply sedated, the machine breathes and is set by the blood gas; else it supports what the patient does.
    machine = _SET_RATE + 0.35 * np.clip(state.paco2 - traits.paco2, -10.0, 30.0) + 0.3 * disturbed.breath
    return np.where(state.ventilated & (state.sedation > 0.5), np.maximum(own * 0.4, machine), own)


def _saturation(traits: Traits, state: State, disturbed: Disturbance, demand: Floats) -> Floats:
    """[P] arterial saturation: what passes the lungs is full, what passes by is as it came from the body."""
    alveolar = np.maximum(state.fio2 * _DRY_MMHG - state.paco2 / _QUOTIENT, 20.0)
    injury = np.maximum(state.shunt - traits.shunt, 0.0)
    opened = np.clip(_RECRUITED * np.maximum(state.peep - 5.0, 0.0), 0.0, 0.5)
    # Part of an injured lung is closed, part is badly aired: more oxygen reaches the latter.
    closed = injury * (1.0 - opened) * (1.25 - 0.6 * state.fio2)
    shunt = np.clip(traits.shunt + closed + disturbed.shunt, 0.01, 0.6)
    carried = np.maximum(state.output * haemoglobin(state), 0.2)
    taken = _EXTRACTED * demand / carried
    saturation = dissociation(alveolar) - np.minimum(taken, 0.6) * shunt / (1.0 - shunt)
    return np.clip(saturation, 0.35, 0.998)


def haemoglobin(state: State) -> Floats:
    """[P] concentration, 1 as at admission: fluids dilute what bleeding has left."""
    return state.red_cells / state.volume


def dissociation(pressure: Floats) -> Floats:
    """[P] saturation at an oxygen pressure in mm[Hg] (Severinghaus 1979)."""
    return 1.0 / (23400.0 / (pressure**3 + 150.0 * pressure) + 1.0)


def oxygen_pressure(saturation: Floats) -> Floats:
    """[P] its inverse: the real root of p^3 + 150 p = 23400 s / (1 - s), after Cardano."""
    half = 11700.0 * saturation / (1.0 - saturation)
    root = np.sqrt(half**2 + 50.0**3)
    pressure: Floats = np.cbrt(half + root) + np.cbrt(half - root)
    return pressure
