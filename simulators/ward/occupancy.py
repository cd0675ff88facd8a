"""Who lies where: arrivals by a Poisson process, a bed capacity, transfers, discharges.

A patient belongs in the ward of a unit. Who comes while it is full lies in another one, and goes to the own one as soon
as a bed is free there; who finds no bed at all waits. So the share of beds that are taken is, on average, that of the
beds that patients come for.

A *row* is a patient's place in the arrays of the simulation; a *place* is a bed. A transfer swaps the places of two
rows, the patient's and a free one.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from lemof_stream.contracts.ehr import UnitType
from simulators.physiology import Mask

UNITS: Final[tuple[UnitType, ...]] = ("coronary", "cardiac_surgery", "medical", "surgical")
WARDS: Final[dict[UnitType, str]] = {
    "coronary": "Coronary Care",
    "cardiac_surgery": "Cardiac Surgery",
    "medical": "Medical ICU",
    "surgical": "Surgical ICU",
}
MEAN_STAY_MIN: Final = 3.2 * 24 * 60
"""About that of the simulated patients, those included who die: 800 of them stayed for 3.3 days on average."""


class Changes(NamedTuple):
    """What happened in a minute: rows of the beds."""

    transferred: list[int]
    admitted: list[int]


class Beds:
    """N beds, all taken at first, each by a patient of its own unit."""

    def __init__(self, count: int, occupancy: float, random: np.random.Generator) -> None:
        self._random = random
        self._arrivals = occupancy * count / MEAN_STAY_MIN
        self._units = UNITS[:count]  # of fewer beds than units
        self._place = list(range(count))
        self.taken: Mask = np.ones(count, np.bool_)
        """[P]."""
        self.unit = [UNITS[number % len(UNITS)] for number in range(count)]
        """[P] where each patient belongs."""
        self._free: dict[UnitType, list[int]] = {unit: [] for unit in self._units}
        self._away: dict[UnitType, deque[int]] = {unit: deque() for unit in self._units}
        self._waiting: deque[UnitType] = deque()

    def ward(self, row: int) -> str:
        """The ward that the row's patient lies in."""
        return WARDS[self._where(row)]

    def device(self, row: int) -> str:
        """The monitor beside the row's patient."""
        return f"monitor-{self._place[row] + 1:03d}"

    def turn(self, left: Sequence[int]) -> Changes:
        """A minute: the patients of these rows leave, others move, others come."""
        for row in left:
            self._leave(row)
        for _ in range(self._random.poisson(self._arrivals)):
            self._waiting.append(self._units[self._random.integers(len(self._units))])
        return Changes(self._repatriate(), self._admit())

    def _where(self, row: int) -> UnitType:
        return UNITS[self._place[row] % len(UNITS)]

    def _leave(self, row: int) -> None:
        self.taken[row] = False
        if self.unit[row] != self._where(row):
            self._away[self.unit[row]].remove(row)
        self._free[self._where(row)].append(row)

    def _repatriate(self) -> list[int]:
        moved: list[int] = []
        while True:
            unit = next((unit for unit in self._units if self._away[unit] and self._free[unit]), None)
            if unit is None:
                return moved
            patient, empty = self._away[unit].popleft(), self._free[unit].pop()
            self._place[patient], self._place[empty] = self._place[empty], self._place[patient]
            self._free[self._where(empty)].append(empty)
            moved.append(patient)

    def _admit(self) -> list[int]:
        rows: list[int] = []
        while self._waiting and any(self._free.values()):
            own = self._waiting.popleft()
            most = max(self._units, key=lambda unit: len(self._free[unit]))
            there = own if self._free[own] else most
            row = self._free[there].pop()
            self.taken[row] = True
            self.unit[row] = own
            if there != own:
                self._away[own].append(row)
            rows.append(row)
        return rows
