"""P beds whose patients live on a minute at a time.

Shapes: P beds, V = 8 signs in the order of `SIGNS`.
"""

from typing import Final

import numpy as np

from simulators.physiology.archetypes import draw
from simulators.physiology.care import treat
from simulators.physiology.circulation import circulate
from simulators.physiology.lungs import breathe
from simulators.physiology.noise import Noise
from simulators.physiology.organs import hazard, metabolise
from simulators.physiology.people import People
from simulators.physiology.state import Floats, Ints, Mask, State, day_curve

SIGNS: Final = ("heart_rate", "sbp", "dbp", "map", "resp_rate", "temperature", "spo2", "etco2")
"""What a monitor can show, in the units of the channels."""
_DEAD_SPACE_MMHG: Final = 4.0  # what breathed-out carbon dioxide is below that of blood, in healthy lungs


class Patients:
    """The patients of P beds. The same generator gives the same courses."""

    def __init__(self, people: People, minute_of_day: float, random: np.random.Generator) -> None:
        self._random = random
        self._minute = minute_of_day
        self.traits, self.state = draw(people, random)
        self._noise = Noise(len(people.age), random)

    def admit(self, rows: Ints, people: People) -> None:
        """Put new patients into these beds."""
        traits, state = draw(people, self._random)
        self.traits.put(rows, traits)
        self.state.put(rows, state)
        self._noise.renew(rows)

    def advance(self) -> Floats:
        """One minute on; the true signs [V, P], before any artefact."""
        self._minute += 1.0
        day = day_curve(self._minute)
        self.state.minute += 1.0
        disturbed = self._noise.advance()
        circulate(self.traits, self.state, disturbed, day)
        breathe(self.traits, self.state, disturbed)
        metabolise(self.traits, self.state, disturbed, day)
        treat(self.traits, self.state, self._random)
        return _signs(self.state)

    def leaving(self) -> Mask:
        """[P] who dies in this minute, or is well enough to go; to be asked once a minute."""
        state = self.state
        dies = self._random.random(len(state.minute)) < hazard(state)
        well = (
            ~state.ventilated
            & (state.vasopressor == 0)
            & (state.inflammation < 0.3)
            & (state.saturation_seen > 0.9)
            & (state.minute > self.traits.controlled)
        )
        leaves: Mask = dies | (well & (state.minute > self.traits.planned))
        return leaves


def _signs(state: State) -> Floats:
    third = state.pulse_pressure / 3.0
    gap = _DEAD_SPACE_MMHG + 30.0 * np.maximum(state.shunt - 0.07, 0.0)
    return np.stack(
        [
            state.heart_rate,
            state.map + 2.0 * third,
            np.maximum(state.map - third, 12.0),
            state.map,
            state.resp_rate,
            state.temperature,
            100.0 * state.saturation,
            np.maximum(state.paco2 - gap, 8.0),
        ]
    )
