"""Raw values of one open step, folded so that their order of arrival leaves no trace.

A step is parted into 5-minute bins that hold a sum and a count; its summary is the median of the bins' means. That is
bounded (a monitor may send once a second), mergeable, and hardly moved by an artefact, and a value an hour summarises
to itself.

    R rows (slots), C channels, N bins of a step
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.intp]

BIN_MINUTES = 5
FULL_BIN = 60_000
"""Values after which a bin's mean is settled: 200 a second. Its 16-bit count has room for one more batch."""


class StepBins:
    """The open step of every slot.

    Minutes count from the step's start; a step covers (0, step_minutes], and minute 0 belongs to the first bin.
    """

    def __init__(self, rows: int, channels: int, step_minutes: int = 60) -> None:
        self._shape = channels, step_minutes
        bins = -(-step_minutes // BIN_MINUTES)
        # Narrow types, as these are most of a bed's memory.
        self.sums = np.zeros((rows, channels, bins), dtype=np.float32)
        self.counts = np.zeros((rows, channels, bins), dtype=np.uint16)
        self.last = np.full((rows, channels), np.nan, dtype=np.float32)
        self.last_minute = np.full((rows, channels), -np.inf, dtype=np.float32)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that is held, by name; each has the leading axis R."""
        return {"sums": self.sums, "counts": self.counts, "last": self.last, "last_minute": self.last_minute}

    def grow(self, rows: int) -> None:
        """Append clean rows."""
        clean = StepBins(rows, *self._shape)
        for name, array in self.arrays().items():
            setattr(self, name, np.concatenate([array, clean.arrays()[name]]))

    def add(self, rows: Indices, channels: Indices, minutes: Floats, values: Floats) -> None:
        """Take N values in; all arguments [N]. Of two values at one minute the larger counts as the last."""
        minutes, values = minutes.astype(np.float32), values.astype(np.float32)  # as held: ties stay ties
        bins = np.clip(np.ceil(minutes / BIN_MINUTES).astype(np.intp) - 1, 0, self.sums.shape[2] - 1)
        room = self.counts[rows, channels, bins] < FULL_BIN
        open_bins = rows[room], channels[room], bins[room]
        np.add.at(self.sums, open_bins, values[room])
        np.add.at(self.counts, open_bins, 1)
        order = np.lexsort((values, minutes))
        rows, channels, minutes, values = rows[order], channels[order], minutes[order], values[order]
        held_minute, held = self.last_minute[rows, channels], self.last[rows, channels]
        newer = (minutes > held_minute) | ((minutes == held_minute) & (values > held))
        cells = (
            rows[newer],
            channels[newer],
        )  # where repeated, the assignment keeps the last, which is the newest
        self.last[cells] = values[newer]
        self.last_minute[cells] = minutes[newer]

    def summary(self, rows: Indices) -> tuple[Floats, Floats]:
        """Median over the filled bins' means and last value, each [len(rows), C]; NaN where nothing was seen."""
        last = self.last[rows]
        median = np.full_like(last, np.nan)
        seen = ~np.isnan(last)
        counts = self.counts[rows][seen]
        with np.errstate(invalid="ignore"):
            means = self.sums[rows][seen] / counts
        means.sort(axis=1)  # empty bins are 0/0 = NaN and sort to the end
        filled = (counts > 0).sum(axis=1)
        cell = np.arange(len(filled))
        median[seen] = (means[cell, (filled - 1) // 2] + means[cell, filled // 2]) / 2
        return median, last

    def clear(self, rows: Indices) -> None:
        """Forget these rows, for their next step."""
        self.sums[rows] = 0.0
        self.counts[rows] = 0
        self.last[rows] = np.nan
        self.last_minute[rows] = -np.inf
