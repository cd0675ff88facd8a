"""A recorded cohort: stays with demographics and outcomes, and their measurements as columns.

Shapes: S stays, N measurements, M steps with a known target.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts.report import ReadReport
from lemof_stream.contracts.ehr import Demographics


class StepTargets(NamedTuple):
    """What is to be predicted at a step, where it is known; sorted by stay and step, at most one of each."""

    stay: NDArray[np.int32]
    """[M] row of the stay."""
    step: NDArray[np.int32]
    """[M] from 1: step k ends at minute 60 k."""
    value: NDArray[np.float64]
    """[M] hours that remain (eICU), sepsis 1 or 0 (Challenge 2019)."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """Stays and their measurements, at most one a stay, minute and channel.

    The columns are sorted by stay, minute, channel. `minute` counts from the stay's admission; `value` is in the
    channel's unit and inside its plausible range (`lemof_stream.contracts.channels`).
    """

    name: str
    stay_ids: tuple[str, ...]
    """[S], in the reader's order."""
    person: tuple[str, ...]
    """[S] whom the stay is of, so that splits keep a person's stays together; the stay's id where unknown."""
    demographics: tuple[Demographics, ...]
    """[S], what is known at admission, the unit type included."""
    length_of_stay: NDArray[np.float64]
    """[S] days from admission to hospital discharge; NaN where unknown."""
    death: NDArray[np.float64]
    """[S] 1 died in hospital, 0 did not; NaN where unknown."""
    recorded_until: NDArray[np.int32]
    """[S] minute of the last row or measurement, also of a row that holds no value; 0 for a stay without any (its
    admission is at minute 0)."""
    step_targets: StepTargets | None
    """None for a cohort that has none."""
    channels: tuple[str, ...]
    """What `channel` points into."""
    stay: NDArray[np.int32]
    """[N] row of the stay."""
    minute: NDArray[np.int32]
    """[N] minutes since admission."""
    channel: NDArray[np.int16]
    """[N] index into `channels`."""
    value: NDArray[np.float64]
    """[N] the measured value."""
    report: ReadReport
    """What was read, kept and dropped: of the whole read, also for a cohort that `take` made smaller."""

    def __len__(self) -> int:
        return len(self.stay_ids)

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """[S + 1]: the measurements of stay s are rows `bounds[s]:bounds[s + 1]`."""
        return np.searchsorted(self.stay, np.arange(len(self) + 1)).astype(np.int64)

    def take(self, rows: Sequence[int] | NDArray[np.integer]) -> "Cohort":
        """The cohort of these stay rows, in this order; each row at most once."""
        picked = np.asarray(rows, np.int64)
        index, stay = _taken(self.bounds, picked)
        return replace(
            self,
            stay_ids=tuple(self.stay_ids[row] for row in picked),
            person=tuple(self.person[row] for row in picked),
            demographics=tuple(self.demographics[row] for row in picked),
            length_of_stay=self.length_of_stay[picked],
            death=self.death[picked],
            recorded_until=self.recorded_until[picked],
            step_targets=self._targets_of(picked),
            stay=stay,
            minute=self.minute[index],
            channel=self.channel[index],
            value=self.value[index],
        )

    def _targets_of(self, picked: NDArray[np.int64]) -> StepTargets | None:
        targets = self.step_targets
        if targets is None:
            return None
        bounds = np.searchsorted(targets.stay, np.arange(len(self) + 1)).astype(np.int64)
        index, stay = _taken(bounds, picked)
        return StepTargets(stay, targets.step[index], targets.value[index])


def _taken(
    bounds: NDArray[np.int64], picked: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Of columns sorted by stay: the places of the picked stays' rows, and each one's new stay row."""
    starts, counts = bounds[picked], bounds[picked + 1] - bounds[picked]
    before = np.cumsum(counts) - counts
    index = np.arange(int(counts.sum())) + np.repeat(starts - before, counts)
    return index, np.repeat(np.arange(len(picked), dtype=np.int32), counts)
