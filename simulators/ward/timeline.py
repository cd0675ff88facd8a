"""A live ward of simulated patients as a timeline: one window a bed and minute, charts and laboratory values.

Shapes: P beds, V signs.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import isnan
from typing import Any, Final

import numpy as np

from lemof_stream.contracts.ehr import Admission, Demographics, Discharge, Observations, Transfer
from lemof_stream.contracts.vitals import VitalWindow
from simulators.physiology import SIGNS, Floats, Ints, Patients, meet
from simulators.timeline import Moment, StayMessage, Timeline
from simulators.ward.artefacts import Artefacts
from simulators.ward.occupancy import Beds
from simulators.ward.rounds import Rounds

_MINUTE: Final = timedelta(minutes=1)
_CUFF_EVERY_MIN: Final = 15  # as cuffs are commonly set
_WITH_A_LINE: Final = 0.65  # share of stays with an arterial line; the others have a cuff
OCCUPANCY: Final = 0.95
"""Above the 0.68 that Wunsch et al. 2013 found (doi:10.1097/CCM.0b013e318298a139): one who looks at a ward of few beds
wants to see patients."""
_PRESSURES: Final = ("sbp", "dbp", "map")
_WITH_LINE: Final = tuple(f"art_{name}" if name in _PRESSURES else name for name in SIGNS)
_WITH_CUFF: Final = tuple(f"cuff_{name}" if name in _PRESSURES else name for name in SIGNS)
_PRESSURE_ROWS: Final = [SIGNS.index(name) for name in _PRESSURES]
_ETCO2: Final = SIGNS.index("etco2")


def ward(beds: int, start: datetime, seed: int, occupancy: float = OCCUPANCY) -> Timeline:
    """A ward without an end whose beds are all taken at `start`, by patients who are admitted then.

    `occupancy` is the share of the beds that patients come for afterwards, on average. Stay ids hold the start, so runs
    never mix; the same seed gives the same ward.
    """
    return Timeline(start, None, 0.0, 0, _Ward(beds, start, seed, occupancy).moments())


class _Ward:
    def __init__(self, beds: int, start: datetime, seed: int, occupancy: float) -> None:
        # A stream of its own for each part, so that one part's draws change nothing of another's.
        bodies, monitors, flow, rounds, self._random = np.random.default_rng(seed).spawn(5)
        self._start, self._now, self._minute = start, start, 0
        self._beds = Beds(beds, occupancy, flow)
        self._first = meet(self._beds.unit, self._random)
        self._patients = Patients(self._first, start.hour * 60.0 + start.minute, bodies)
        self._artefacts = Artefacts(beds, monitors)
        self._rounds = Rounds(beds, rounds)
        self._line = self._random.random(beds) < _WITH_A_LINE
        self._stays = 0
        self._prefix = f"sim-{int(start.timestamp()):x}"
        self._stay_ids, self._admitted_at = [""] * beds, [start] * beds
        self._wards, self._devices = [""] * beds, [""] * beds

    def moments(self) -> Iterator[Moment]:
        rows = range(len(self._stay_ids))
        yield Moment(0.0, [self._admission(row, self._first.demographics(row)) for row in rows])
        while True:
            self._minute += 1
            self._now = self._start + self._minute * _MINUTE
            signs = self._patients.advance()
            messages: list[StayMessage] = [
                Observations(event_id=self._event("o", row), values=values, **self._of(row))
                for row, values in self._rounds.make(self._patients, self._beds.taken).items()
            ]
            messages += self._windows(self._artefacts.show(signs, self._line))
            messages += self._flow()
            yield Moment(self._minute * 60.0, messages)

    def _windows(self, shown: Floats) -> Iterator[VitalWindow]:
        """The windows of a minute that hold anything; shown [V, P]."""
        without_line = np.flatnonzero(~self._line)
        if self._minute % _CUFF_EVERY_MIN:
            shown[np.array(_PRESSURE_ROWS)[:, None], without_line] = np.nan
        shown[_ETCO2, ~self._patients.state.ventilated] = np.nan
        start, end, line = self._now - _MINUTE, self._now, self._line.tolist()
        values = shown.T.round(1).tolist()
        for row in np.flatnonzero(self._beds.taken).tolist():
            names = _WITH_LINE if line[row] else _WITH_CUFF
            channels = {
                name: value for name, value in zip(names, values[row], strict=True) if not isnan(value)
            }
            if channels:
                yield VitalWindow.of_checked(
                    {
                        "schema_version": 1,
                        "window_id": self._event("v", row),
                        "stay_id": self._stay_ids[row],
                        "ward": self._wards[row],
                        "device": self._devices[row],
                        "priority": 0,
                        "admitted_at": self._admitted_at[row],
                        "start": start,
                        "end": end,
                        "channels": channels,
                    }
                )

    def _flow(self) -> Iterator[StayMessage]:
        left = np.flatnonzero(self._patients.leaving() & self._beds.taken).tolist()
        for row in left:
            yield Discharge(event_id=self._event("d", row), **self._of(row))
        changes = self._beds.turn(left)
        for row in changes.transferred:
            self._settle(row)
            yield Transfer(event_id=self._event("t", row), **self._of(row))
        if changes.admitted:
            yield from self._admissions(np.array(changes.admitted))

    def _admissions(self, rows: Ints) -> Iterator[StayMessage]:
        people = meet([self._beds.unit[row] for row in rows.tolist()], self._random)
        self._patients.admit(rows, people)
        self._rounds.renew(rows)
        self._line[rows] = self._random.random(len(rows)) < _WITH_A_LINE
        for index, row in enumerate(rows.tolist()):
            yield self._admission(row, people.demographics(index))

    def _admission(self, row: int, demographics: Demographics) -> Admission:
        self._stays += 1
        self._stay_ids[row] = f"{self._prefix}-{self._stays:03d}"
        self._admitted_at[row] = self._now
        self._settle(row)
        return Admission(event_id=self._event("a", row), demographics=demographics, **self._of(row))

    def _settle(self, row: int) -> None:
        """The patient is in another bed now."""
        self._wards[row], self._devices[row] = self._beds.ward(row), self._beds.device(row)

    def _event(self, kind: str, row: int) -> str:
        return f"{self._stay_ids[row]}-{kind}{self._minute}"

    def _of(self, row: int) -> dict[str, Any]:
        """What every event of a stay says."""
        return {
            "stay_id": self._stay_ids[row],
            "ward": self._wards[row],
            "admitted_at": self._admitted_at[row],
            "event_time": self._now,
        }
