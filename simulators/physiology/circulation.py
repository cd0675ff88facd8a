"""Heart, vessels and blood: pressure from output and tone, held by the baroreflex.

After the lumped models of the circulation (Guyton, Coleman and Granger 1972), cut down to a beat-free minute: mean
pressure = output x resistance, output = rate x stroke volume, stroke volume by filling (Frank and Starling).
"""

from typing import Final

import numpy as np

from simulators.physiology.noise import Disturbance
from simulators.physiology.state import NORMAL_TEMPERATURE, State, Traits, toward

_LEAK: Final = 0.0004  # share of the volume a minute that full inflammation loses into the tissue
_REFILL_MIN: Final = 12 * 60.0  # tissue fluid and kidneys bring the volume back
_EMPTY: Final = 0.4  # below this share of its volume the blood does not come back to the heart
_PEEP_PRELOAD: Final = 0.008  # share of the filling lost for each cm[H2O] above 5
_TONE_LOST: Final = 0.72  # of the vascular tone, in full inflammation
_FORCE_LOST: Final = 0.30  # of the contractility, likewise
_SEDATED: Final = 0.10  # share of the tone that deep sedation takes
_PRESSOR_MOST: Final = 0.75  # tone that a vasopressor can add, and the dose in ug/kg/min that adds half of it
_PRESSOR_HALF: Final = 0.20
# 6.1 ms/mm[Hg], from where on La Rovere et al. 1998 called it well preserved, are 0.6/min at 78/min.
_BAROREFLEX: Final = 0.6
_REFLEX_TONE: Final = 0.9  # share of tone added for a pressure that is lower by its whole
_LOW_PRESSURE: Final = (
    50.0  # /min for a whole volume lost: receptors of the veins tell before the pressure falls
)
_HEART_FOR_A_DEGREE: Final = 8.0  # /min, of fever
_HEART_MIN: Final = 3.0  # time constants in minutes: the heart, the arterioles, the sepsis and drugs in them
_REFLEX_MIN: Final = 4.0
_TONE_MIN: Final = 15.0
_FORCE_MIN: Final = 60.0


def circulate(traits: Traits, state: State, disturbed: Disturbance, day: float) -> None:
    """A minute of the circulation; `day` is the daily rhythm, -1 to 1."""
    _fill(state, _bleeds(traits, state))
    effect = _PRESSOR_MOST * state.vasopressor / (state.vasopressor + _PRESSOR_HALF) * traits.response
    tone = 1.0 - _TONE_LOST * state.inflammation - _SEDATED * state.sedation + 0.02 * day + effect
    state.tone = toward(state.tone, tone, _TONE_MIN)
    acid = np.clip((state.lactate - 5.0) / 10.0, 0.0, 1.0)
    force = 1.0 - _FORCE_LOST * state.inflammation - 0.3 * acid + 0.25 * effect
    state.contractility = toward(state.contractility, force, _FORCE_MIN)

    filling = (state.volume - _EMPTY) / (1.0 - _EMPTY) - _PEEP_PRELOAD * np.maximum(state.peep - 5.0, 0.0)
    filling = np.maximum(filling, 0.05)
    stroke = 2.0 * filling / (1.0 + filling) * state.contractility * np.exp(disturbed.stroke)
    stroke *= np.minimum(1.0, 140.0 / state.heart_rate)  # a heart that fast has no time to fill
    state.output = state.heart_rate / traits.heart_rate * stroke
    resistance = np.maximum(state.tone, 0.15) * (1.0 + state.reflex) * np.exp(disturbed.tone)
    state.map = np.clip(traits.map * state.output * resistance, 18.0, 160.0)
    state.pulse_pressure = np.clip(traits.pulse_pressure * stroke, 10.0, 110.0)

    missing = (traits.map - state.map) / traits.map
    state.reflex = toward(state.reflex, np.clip(_REFLEX_TONE * missing, -0.15, 0.4), _REFLEX_MIN)
    hypoxia = np.maximum(0.90 - state.saturation, 0.0)
    rate = (
        traits.heart_rate
        + _BAROREFLEX * (1.0 - 0.4 * state.sedation) * np.clip(missing * traits.map, -30.0, 60.0)
        + _LOW_PRESSURE * np.maximum(1.0 - state.volume, 0.0)
        + _HEART_FOR_A_DEGREE * np.maximum(state.temperature - NORMAL_TEMPERATURE, -1.0)
        + 120.0 * hypoxia  # 6/min for every 5% of saturation
        + 14.0 * state.inflammation  # beside fever and low pressure
        - 6.0 * state.sedation
        + 3.0 * day  # slower at night
        + disturbed.heart
    )
    state.heart_rate = np.clip(toward(state.heart_rate, rate, _HEART_MIN), 30.0, 190.0)


def _bleeds(traits: Traits, state: State) -> np.ndarray:
    """[P] share of the blood lost in this minute."""
    active = (state.minute >= traits.onset) & (state.minute < traits.controlled)
    return np.where(active, traits.bleeding, 0.0)


def _fill(state: State, lost: np.ndarray) -> None:
    state.red_cells *= 1.0 - lost
    state.volume -= lost + _LEAK * state.inflammation
    state.volume = np.maximum(toward(state.volume, 1.0, _REFILL_MIN), 0.3)
