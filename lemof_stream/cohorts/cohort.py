"""A recorded cohort: stays with demographics and outcomes, and their measurements as columns.

Shapes: S stays, N measurements.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts.report import ReadReport
from lemof_stream.contracts.ehr import Demographics


@dataclass(frozen=True, eq=False)
class Cohort:
    """Stays and their measurements, at most one a stay, minute and channel.

    The columns are sorted by stay, minute, channel. `minute` counts from the stay's admission; `value` is in the
    channel's unit and inside its plausible range (`lemof_stream.contracts.channels`).
    """

    name: str
    stay_ids: tuple[str, ...]
    """[S], in the reader's order."""
    demographics: tuple[Demographics, ...]
    """[S], what is known at admission, the unit type included."""
    length_of_stay: NDArray[np.float64]
    """[S] days from admission to hospital discharge; NaN where unknown."""
    death: NDArray[np.float64]
    """[S] 1 died in hospital, 0 did not; NaN where unknown."""
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

    @cached_property
    def last_minute(self) -> NDArray[np.int32]:
        """[S] minute of the last measurement; 0 for a stay without one (its admission is at minute 0)."""
        last = np.zeros(len(self), np.int32)
        held = self.bounds[1:] > self.bounds[:-1]
        last[held] = self.minute[self.bounds[1:][held] - 1]
        return last

    def take(self, rows: Sequence[int] | NDArray[np.integer]) -> "Cohort":
        """The cohort of these stay rows, in this order; each row at most once."""
        picked = np.asarray(rows, np.int64)
        starts, counts = self.bounds[picked], self.bounds[picked + 1] - self.bounds[picked]
        before = np.cumsum(counts) - counts
        index = np.arange(int(counts.sum())) + np.repeat(starts - before, counts)
        return replace(
            self,
            stay_ids=tuple(self.stay_ids[row] for row in picked),
            demographics=tuple(self.demographics[row] for row in picked),
            length_of_stay=self.length_of_stay[picked],
            death=self.death[picked],
            stay=np.repeat(np.arange(len(picked), dtype=np.int32), counts),
            minute=self.minute[index],
            channel=self.channel[index],
            value=self.value[index],
        )
