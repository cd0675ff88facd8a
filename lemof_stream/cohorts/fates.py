"""The fate of every value of a table of waveforms: kept, or dropped for one reason, and counted.

`tally` does it for the lines of stays, which have minutes, units and channels; samples have none.

Shapes: N values of a column.
"""

from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts.limits import Floats, Mask
from lemof_stream.cohorts.report import ParameterCounts


class Told:
    """The values of one column that hold something, while it is decided on them."""

    def __init__(self, counts: "Counter[str]", pending: Mask) -> None:
        self._counts = counts
        self._pending = pending

    def drop(self, reason: str, which: Mask) -> None:
        """Drop, of those that nothing is decided on yet, `which` [N]."""
        self._counts[reason] += int((self._pending & which).sum())
        self._pending = self._pending & ~which

    def keep(self) -> NDArray[np.intp]:
        """Keep the rest: their places."""
        kept = np.flatnonzero(self._pending)
        self._counts[_KEPT] += len(kept)
        return kept


_KEPT = ""


class Fates:
    """Counts of all columns by their names."""

    def __init__(self) -> None:
        self.malformed = 0
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)

    def start(self, name: str, value: Floats, timed: Mask) -> Told:
        """The values [N] of a column, NaN for an empty cell and infinite for no number, of rows that have a time."""
        pending = np.isfinite(value) & timed
        self.malformed += int((~np.isnan(value)).sum() - pending.sum())
        return Told(self._counts[name], pending)

    def parameters(self) -> dict[str, ParameterCounts]:
        """The counts by name, in order of names; a column without any value is in none."""
        return {
            name: ParameterCounts(
                read=counts.total(),
                kept=counts[_KEPT],
                collapsed=0,
                converted=0,
                clipped=0,
                dropped={reason: number for reason, number in counts.items() if reason != _KEPT and number},
            )
            for name, counts in sorted(self._counts.items())
            if counts.total()
        }
