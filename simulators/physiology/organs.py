"""What follows from flow and oxygen: inflammation, temperature, lactate, kidneys, consciousness."""

from typing import Final

import numpy as np

from simulators.physiology.lungs import demand_of, haemoglobin
from simulators.physiology.noise import Disturbance
from simulators.physiology.state import Floats, State, Traits, toward

_SPREADS_MIN: Final = 4 * 60.0  # an infection takes hold within hours
_SUBSIDES_MIN: Final = 20 * 60.0  # and goes within days once treated
_FEVER: Final = 1.9  # degrees in full inflammation
_CIRCADIAN: Final = (
    0.25  # degrees; half of the 0.5 between trough and peak of healthy people (Refinetti 1992)
)
_WARMS_MIN: Final = 90.0
_RESERVE: Final = 0.72  # share of the normal oxygen delivery below which tissue makes lactate
_LACTATE_MIN: Final = (60.0, 4 * 60.0)  # rising, falling
_KIDNEY_MIN: Final = (10 * 60.0, 48 * 60.0)  # failing, recovering
_CREATININE_MIN: Final = 36 * 60.0  # its time constant at a normal clearance: a rise shows on the next day
_URINE: Final = 1.5  # mL/kg/h at a good pressure


def metabolise(traits: Traits, state: State, disturbed: Disturbance, day: float) -> None:
    """A minute of all other organs; `day` is the daily rhythm, -1 to 1."""
    active = (state.minute >= traits.onset) & (state.minute < traits.controlled)
    source = traits.infection * active
    state.inflammation = toward(
        state.inflammation, source, np.where(source > state.inflammation, _SPREADS_MIN, _SUBSIDES_MIN)
    )
    warm = (
        traits.temperature
        + _CIRCADIAN * day
        + _FEVER * state.inflammation
        - state.antipyretic
        + disturbed.warmth
    )
    state.temperature = toward(state.temperature, warm - 0.6 * (state.map < 50.0), _WARMS_MIN)
    _acid(traits, state)
    _kidneys(traits, state)


def delivery(state: State) -> Floats:
    """[P] oxygen brought for what is needed, 1 in health."""
    brought: Floats = state.output * haemoglobin(state) * state.saturation / demand_of(state)
    return brought


def _acid(traits: Traits, state: State) -> None:
    owed = np.clip(_RESERVE - delivery(state), 0.0, 0.6)
    made = 1.6 + 22.0 * owed + 2.4 * state.inflammation
    state.lactate = toward(state.lactate, made, np.where(made > state.lactate, *_LACTATE_MIN))
    state.injury = toward(
        state.injury, np.minimum(4.0 * owed, 1.0), np.where(owed > 0.05, 6 * 60.0, 36 * 60.0)
    )
    # Lactic acid takes bicarbonate one for one, failing kidneys leave other acids.
    base = traits.hco3 - 0.9 * (state.lactate - 1.6) - 5.0 * np.maximum(0.9 - state.kidney, 0.0)
    state.hco3 = np.clip(toward(state.hco3, base, 6 * 60.0), 5.0, 40.0)


def _kidneys(traits: Traits, state: State) -> None:
    flow = np.clip((state.map - 38.0) / 27.0, 0.1, 1.0) * (1.0 - 0.35 * state.inflammation)
    failing, recovering = _KIDNEY_MIN
    state.kidney = toward(state.kidney, flow, np.where(flow < state.kidney, failing, recovering))
    cleared = np.maximum(state.kidney, 0.1)
    state.creatinine = toward(state.creatinine, 1.0 / cleared, _CREATININE_MIN / cleared)
    flood = np.clip(1.0 + 4.0 * (state.volume - 1.0), 0.2, 2.5)
    state.urine += _URINE * traits.weight / 60.0 * flow * state.kidney * flood


def coma_score(state: State) -> Floats:
    """[P] the Glasgow coma score, 3 to 15, not rounded: sedation, shock, lack of oxygen and carbon dioxide lower it."""
    lost = (
        8.0 * state.sedation
        + 4.0 * state.ventilated  # who has a tube does not speak
        + 3.0 * state.inflammation
        + 8.0 * np.clip((55.0 - state.map_seen) / 25.0, 0.0, 1.0)
        + 8.0 * np.clip((0.82 - state.saturation_seen) / 0.2, 0.0, 1.0)
        + 6.0 * np.clip((state.paco2 - 65.0) / 30.0, 0.0, 1.0)
    )
    return np.clip(15.0 - lost, 3.0, 15.0)


def hazard(state: State) -> Floats:
    """[P] chance to die in this minute. Our own choice: an hour in deep shock is often survived, ten are not."""
    danger = (
        np.clip((56.0 - state.map_seen) / 12.0, 0.0, 2.0)
        + np.clip((0.86 - state.saturation_seen) / 0.08, 0.0, 2.0)
        + np.clip((state.lactate - 8.0) / 5.0, 0.0, 1.5)
    )
    sudden = 0.003 / (24 * 60.0)  # a day: an embolus, an arrhythmia
    risk: Floats = danger**2 / (10 * 60.0) + sudden
    return risk
