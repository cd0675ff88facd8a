"""What a monitor shows instead of the truth: probes off, motion, a transducer out of level, a line open to the air.

Shapes: P beds, V signs, A = 7 kinds of artefact.

In intensive care 88.8% of annotated arrhythmia alarms were false (Drew et al. 2014, PLoS ONE 9(10): e110274,
doi:10.1371/journal.pone.0110274); which artefacts there are here, how often and for how long, is our own choice.
"""

from typing import Final, NamedTuple

import numpy as np

from simulators.physiology import SIGNS, Floats, Mask


class _Artefact(NamedTuple):
    name: str
    per_day: float
    minutes: float
    """Mean of how long it lasts."""


_TABLE: Final = (
    _Artefact("leads off", 2.0, 4.0),  # heart and breath rate are gone
    _Artefact("leads loose", 0.6, 2.0),  # the monitor counts no beats: 0
    _Artefact("oximeter off", 3.0, 6.0),
    _Artefact("motion", 10.0, 3.0),
    _Artefact("thermometer off", 0.7, 45.0),
    _Artefact("line open", 3.0, 2.0),  # zeroed once a shift
    _Artefact("out of level", 0.7, 90.0),  # the bed was moved, until somebody calibrates anew
)
ARTEFACTS: Final = tuple(artefact.name for artefact in _TABLE)
_BEGINS: Final = np.array([artefact.per_day for artefact in _TABLE])[:, None] / (24 * 60)
_ENDS: Final = 1.0 / np.array([artefact.minutes for artefact in _TABLE])[:, None]

_HEART, _BREATH, _WARMTH, _OXYGEN = (
    SIGNS.index(name) for name in ("heart_rate", "resp_rate", "temperature", "spo2")
)
_PRESSURES: Final = [SIGNS.index(name) for name in ("sbp", "dbp", "map")]
# Open to the air a transducer reads its own drift. It stays above 0, which the contract takes for no pressure at all
# and for which it refuses the window, true signs and all.
_OPEN_MMHG: Final = (1.0, 5.0)
_LEVEL_MMHG: Final = 9.0  # spread of the offset: 0.77 mm[Hg] for each cm of height
_MOTION: Final = (
    14.0,
    7.0,
    5.0,
)  # spread on the heart rate; mean loss of saturation; spread on the breath rate


class Artefacts:
    """The artefacts of P monitors."""

    def __init__(self, beds: int, random: np.random.Generator) -> None:
        self._random = random
        self.active: Mask = np.zeros((len(_TABLE), beds), np.bool_)
        """[A, P] in the order of `ARTEFACTS`."""
        self._offset = np.zeros(beds)

    def show(self, signs: Floats, line: Mask) -> Floats:
        """A minute on; what the monitors show of the true signs [V, P], NaN where nothing.

        `line` [P]: who has an arterial line; a cuff has no transducer.
        """
        random, beds = self._random, signs.shape[1]
        chance = random.random(self.active.shape)
        began = ~self.active & (chance < _BEGINS)
        self.active = np.where(self.active, chance >= _ENDS, began)
        off, loose, oximeter, motion, cold, opened, tilted = self.active
        self._offset = np.where(began[-1], random.normal(0.0, _LEVEL_MMHG, beds), self._offset)
        shown = signs.copy()
        shown[_PRESSURES] += np.where(tilted & line, self._offset, 0.0)
        shown[_PRESSURES] = np.maximum(shown[_PRESSURES], 1.0)
        # Drawn for every bed, moved or not, so that one bed's artefacts change nothing of another's course.
        heart, oxygen, breath = random.standard_normal((3, beds))
        shown[_HEART] += np.where(motion, _MOTION[0] * heart, 0.0)
        shown[_OXYGEN] -= np.where(motion, _MOTION[1] * np.abs(oxygen), 0.0)
        shown[_BREATH] += np.where(motion, _MOTION[2] * breath, 0.0)
        shown[[_HEART, _BREATH]] = np.where(loose, 0.0, np.maximum(shown[[_HEART, _BREATH]], 0.0))
        shown[[_HEART, _BREATH]] = np.where(off, np.nan, shown[[_HEART, _BREATH]])
        shown[_OXYGEN] = np.where(oximeter, np.nan, np.clip(shown[_OXYGEN], 0.0, 100.0))
        shown[_WARMTH] = np.where(cold, np.nan, shown[_WARMTH])
        shown[_PRESSURES] = np.where(opened & line, random.uniform(*_OPEN_MMHG, beds), shown[_PRESSURES])
        return shown
