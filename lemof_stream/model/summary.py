"""Raw values of one open step, folded so that their order of arrival leaves no trace.

A step is parted into 5-minute bins that hold a sum and a count; its summary is the median of the bins' means. That is
bounded (a monitor may send once a second), mergeable, and hardly moved by an artefact, and a value an hour summarises
to itself. Where several devices measure one quantity, each bin holds what the most trusted of them measured.

    R rows (slots), C channels, N bins of a step
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.intp]

BIN_MINUTES = 5
UNSEEN = 255
"""Rank of a bin that holds nothing, behind every device's."""
FULL_BIN = 60_000
"""Values after which a bin's mean is settled: 200 a second. Its 16-bit count has room for one more batch."""


_BY_BIN = "sums", "counts", "ranks"
_BY_CHANNEL = "last", "last_minute", "last_rank"


class StepBins:
    """The open step of every slot.

    Minutes count from the step's start; a step covers (0, step_minutes], and minute 0 belongs to the first bin.
    """

    def __init__(self, rows: int, channels: int, step_minutes: int = 60) -> None:
        self._shape = channels, step_minutes
        bins = -(-step_minutes // BIN_MINUTES)
        # Narrow types, as these are most of a bed's memory.
        # A window has values of many channels in one bin: that they lie side by side spares waits for memory.
        self.sums = np.zeros((rows, bins, channels), dtype=np.float32)
        self.counts = np.zeros((rows, bins, channels), dtype=np.uint16)
        self.ranks = np.full((rows, bins, channels), UNSEEN, dtype=np.uint8)
        self.last = np.full((rows, channels), np.nan, dtype=np.float32)
        self.last_minute = np.full((rows, channels), -np.inf, dtype=np.float32)
        self.last_rank = np.full((rows, channels), UNSEEN, dtype=np.uint8)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that is held, by name; each has the leading axis R."""
        return {name: getattr(self, name) for name in _BY_BIN + _BY_CHANNEL}

    def pack(self, rows: slice, held: Indices) -> dict[str, npt.NDArray[Any]]:
        """What these rows hold, without the bins that hold nothing: of most steps and channels nothing is seen.
        `held`: the places among these rows, in order, of those that may hold anything.
        """
        places = {
            "filled": _places(self.counts[rows][held] > 0, held),
            "seen": _places(~np.isnan(self.last[rows][held]), held),
        }
        kinds = (_BY_BIN, places["filled"]), (_BY_CHANNEL, places["seen"])
        return places | {
            name: getattr(self, name)[rows].reshape(-1)[own] for names, own in kinds for name in names
        }

    def unpack(self, rows: slice, packed: dict[str, npt.NDArray[Any]]) -> None:
        """What `pack` gave, into clean rows.

        Raises:
            IndexError: a place lies outside them.
        """
        for names, place in ((_BY_BIN, "filled"), (_BY_CHANNEL, "seen")):
            for name in names:
                getattr(self, name)[rows].reshape(-1)[packed[place]] = packed[name]  # a view

    def grow(self, rows: int) -> None:
        """Append clean rows, in place: of many slots a copy takes seconds, and as much memory again meanwhile."""
        held = len(self.sums)
        for array in self.arrays().values():
            array.resize((held + rows, *array.shape[1:]), refcheck=False)  # no view of them outlives a call
        self.clear(slice(held, None))

    def add(
        self,
        rows: Indices,
        channels: Indices,
        minutes: Floats,
        values: Floats,
        ranks: npt.NDArray[np.uint8] | int = 0,
        *,
        repeated: bool = True,
    ) -> None:
        """Take N values in; all arguments [N]. In each bin only the values of the lowest rank count.

        Of two values at one minute the larger counts as the last. `repeated`: whether a row may have a channel twice,
        which takes a sort by time.
        """
        minutes, values = minutes.astype(np.float32), values.astype(np.float32)  # as held: ties stay ties
        bins, ranks = self._bins(minutes), np.broadcast_to(np.asarray(ranks, dtype=np.uint8), rows.shape)
        # One index into flat views: with three `ufunc.at` takes ten times as long.
        cells = np.ravel_multi_index((rows, bins, channels), self.sums.shape)
        held_sums, held_counts, held_ranks = (getattr(self, name).reshape(-1) for name in _BY_BIN)
        before = held_ranks[cells]
        np.minimum.at(held_ranks, cells, ranks)
        best = held_ranks[cells]
        outranked = cells[best < before]
        held_sums[outranked], held_counts[outranked] = 0.0, 0
        counts = (ranks == best) & (held_counts[cells] < FULL_BIN)
        taken = cells[counts]
        np.add.at(held_sums, taken, values[counts])
        np.add.at(held_counts, taken, np.uint16(1))
        if repeated:
            order = np.lexsort((values, minutes, UNSEEN - ranks, bins))
            rows, channels, bins, ranks = rows[order], channels[order], bins[order], ranks[order]
            minutes, values = minutes[order], values[order]
        self._note_last(rows, channels, bins, ranks, minutes, values)

    def _note_last(
        self,
        rows: Indices,
        channels: Indices,
        bins: Indices,
        ranks: npt.NDArray[np.uint8],
        minutes: Floats,
        values: Floats,
    ) -> None:
        """Of the newest bin the newest value of its lowest rank; [N] in the order in which each replaces the former."""
        last, last_minute, last_rank = (getattr(self, name).reshape(-1) for name in _BY_CHANNEL)
        cells = rows * self.last.shape[1] + channels
        held_minute, held_rank, held = last_minute[cells], last_rank[cells], last[cells]
        held_bin = self._bins(held_minute)
        later = (minutes > held_minute) | ((minutes == held_minute) & (values > held))
        newer = (bins > held_bin) | (ranks < held_rank) | ((ranks == held_rank) & later)
        newer &= (bins >= held_bin) | (held_rank == UNSEEN)
        # Where a cell is repeated, the assignment keeps the last, which is the newest.
        cells = cells[newer]
        last[cells], last_minute[cells], last_rank[cells] = values[newer], minutes[newer], ranks[newer]

    def _bins(self, minutes: Floats) -> Indices:
        """The bin of each minute; the first for what was never seen."""
        whole = np.ceil(np.maximum(minutes, 0.0) / BIN_MINUTES).astype(np.intp) - 1
        return np.clip(whole, 0, self.sums.shape[1] - 1)

    def summary(self, rows: Indices) -> tuple[Floats, Floats]:
        """Median over the filled bins' means and last value, each [len(rows), C]; NaN where nothing was seen."""
        last = self.last[rows]
        median = np.full_like(last, np.nan)
        seen = ~np.isnan(last)
        counts = self.counts[rows].swapaxes(1, 2)[seen]
        with np.errstate(invalid="ignore"):
            means = self.sums[rows].swapaxes(1, 2)[seen] / counts
        means.sort(axis=1)  # empty bins are 0/0 = NaN and sort to the end
        filled = (counts > 0).sum(axis=1)
        cell = np.arange(len(filled))
        median[seen] = (means[cell, (filled - 1) // 2] + means[cell, filled // 2]) / 2
        return median, last

    def clear(self, rows: slice | Indices) -> None:
        """Forget these rows, for their next step."""
        self.sums[rows] = 0.0
        self.counts[rows] = 0
        self.ranks[rows] = UNSEEN
        self.last[rows] = np.nan
        self.last_minute[rows] = -np.inf
        self.last_rank[rows] = UNSEEN


def _places(mask: npt.NDArray[np.bool_], rows: Indices) -> npt.NDArray[np.int32]:
    """Where in the flat array the mask is true, which is of these of its rows."""
    width = mask[0].size if len(mask) else 1
    row, place = np.divmod(np.flatnonzero(mask), width)
    return (rows[row] * width + place).astype(np.int32)
