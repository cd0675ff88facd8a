"""The fate of every line of a recording: each is kept, merged or dropped for one reason, and counted.

Shapes: N lines, M measurements, P parameters.
"""

from enum import IntEnum, auto
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts.limits import limit
from lemof_stream.cohorts.lines import BEFORE_ADMISSION, Lines
from lemof_stream.cohorts.report import ParameterCounts
from lemof_stream.contracts.channels import Range


class Fate(IntEnum):
    """What became of a line. What no reader asked for by name stays `UNKNOWN`."""

    UNKNOWN = 0
    KEPT = auto()
    COLLAPSED = auto()
    MALFORMED = auto()
    NAMELESS = auto()
    MISSING = auto()
    IMPOSSIBLE = auto()
    NO_ROW = auto()
    BEFORE_ADMISSION = auto()
    AFTER_ADMISSION = auto()
    REPEATED = auto()


_REASON: Final = {
    Fate.UNKNOWN: "unknown parameter",
    Fate.NAMELESS: "no parameter name",
    Fate.MISSING: "missing (-1)",
    Fate.IMPOSSIBLE: "impossible",
    Fate.NO_ROW: "of no stay or row",
    Fate.BEFORE_ADMISSION: "before admission",
    Fate.AFTER_ADMISSION: "after admission",
    Fate.REPEATED: "stated before",
}


class Measurements(NamedTuple):
    """Columns [M], sorted by stay, minute, channel."""

    stay: NDArray[np.int32]
    minute: NDArray[np.int32]
    channel: NDArray[np.int16]
    value: NDArray[np.float64]


class Tally:
    """Lines [N] with what a reader decides on them."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.value = lines.value.copy()
        count = len(lines.value)
        self.converted = np.zeros(count, np.bool_)
        self.clipped = np.zeros(count, np.bool_)
        self._fate = np.full(count, Fate.UNKNOWN, np.int8)
        self._fate[(lines.minute < 0) | np.isnan(lines.value)] = Fate.MALFORMED
        self._fate[lines.minute == BEFORE_ADMISSION] = Fate.BEFORE_ADMISSION
        self._fate[lines.source < 0] = Fate.NO_ROW
        nameless = [i for i, name in enumerate(lines.names) if not name]
        self._fate[np.isin(lines.parameter, nameless)] = Fate.NAMELESS
        # Lines by parameter: `pending` looks at one parameter's lines, not at all.
        order = np.argsort(lines.parameter, kind="stable")
        bounds = np.searchsorted(lines.parameter[order], np.arange(len(lines.names) + 1))
        self._lines_of = {n: order[bounds[i] : bounds[i + 1]] for i, n in enumerate(lines.names)}

    @property
    def malformed(self) -> int:
        """Lines whose time or value cannot be read."""
        return int((self._fate == Fate.MALFORMED).sum())

    def pending(self, name: str) -> NDArray[np.intp]:
        """The lines of a parameter that nothing is decided on yet, in file order."""
        rows = self._lines_of.get(name, np.zeros(0, np.intp))
        undecided: NDArray[np.bool_] = self._fate[rows] == Fate.UNKNOWN
        return rows[undecided]

    def keep(self, rows: NDArray[np.intp]) -> None:
        """Keep these lines."""
        self._fate[rows] = Fate.KEPT

    def keep_named(self, name: str) -> None:
        """Keep every pending line of a parameter."""
        self.keep(self.pending(name))

    def drop(self, rows: NDArray[np.intp], which: NDArray[np.bool_], fate: Fate) -> None:
        """Drop the lines `rows[which]` for a reason."""
        self._fate[rows[which]] = fate

    def limit(self, name: str, channel: str, plausible: Range, possible: Range) -> NDArray[np.intp]:
        """Drop what is impossible of a parameter, convert and clip the rest; the lines that stay, [n]."""
        rows = self.pending(name)
        limited = limit(channel, self.value[rows], plausible, possible)
        self.value[rows] = limited.value
        self.converted[rows] = limited.converted
        self.clipped[rows] = limited.clipped
        self.drop(rows, limited.impossible, Fate.IMPOSSIBLE)
        return rows[~limited.impossible]

    def collapse(self, channel_of: NDArray[np.int16], channels: int) -> Measurements:
        """Keep the pending lines of channels, one value a stay, minute and channel: the mean where there are more.

        `channel_of` [P] is each parameter's channel, -1 for none.
        """
        channel = channel_of[self.lines.parameter]
        rows = np.flatnonzero((self._fate == Fate.UNKNOWN) & (channel >= 0))
        minutes = int(self.lines.minute[rows].max(initial=0)) + 1
        key = (self.lines.source[rows].astype(np.int64) * minutes + self.lines.minute[rows]) * channels
        key += channel[rows]
        order = np.argsort(key, kind="stable")
        rows, key = rows[order], key[order]
        first = np.flatnonzero(np.diff(key, prepend=-1))
        self._fate[rows] = Fate.COLLAPSED
        self.keep(rows[first])
        counts = np.diff(first, append=len(rows))
        value = self.value[rows[first]]
        several = counts > 1
        if several.any():
            value[several] = (np.add.reduceat(self.value[rows], first) / counts)[several]
        return Measurements(self.lines.source[rows[first]], self.lines.minute[rows[first]],
                            channel[rows[first]], value)  # fmt: skip

    def parameters(self) -> dict[str, ParameterCounts]:
        """The counts by parameter name, in order of names; malformed lines are in none."""
        size = len(self.lines.names)
        table = np.bincount(
            self.lines.parameter * len(Fate) + self._fate, minlength=size * len(Fate)
        ).reshape(size, len(Fate))
        told = (self._fate == Fate.KEPT) | (self._fate == Fate.COLLAPSED)
        converted = np.bincount(self.lines.parameter[self.converted & told], minlength=size)
        clipped = np.bincount(self.lines.parameter[self.clipped & told], minlength=size)
        counts = {}
        for i, name in sorted(enumerate(self.lines.names), key=lambda item: item[1]):
            row = table[i].copy()
            row[Fate.MALFORMED] = 0
            if row.sum():
                counts[name] = ParameterCounts(
                    read=int(row.sum()),
                    kept=int(row[Fate.KEPT]),
                    collapsed=int(row[Fate.COLLAPSED]),
                    converted=int(converted[i]),
                    clipped=int(clipped[i]),
                    dropped={reason: int(row[fate]) for fate, reason in _REASON.items() if row[fate]},
                )
        return counts
