"""Which samples can be used at all, and how much of a window a rhythm explains.

Shapes: n samples, k events (beats or breaths).
"""

from typing import NamedTuple

import numpy as np

from lemof_stream.signals.waveforms import Floats, Ints, Mask


class Trace(NamedTuple):
    """A signal made fit for filters."""

    value: Floats
    """[n] missing samples bridged by straight lines."""
    usable: Mask
    """[n] False where a sample is missing, or the signal stands still: a lead is off, or an amplifier at its limit."""


class Rhythm(NamedTuple):
    """Events of a window."""

    rate: float
    """A minute; NaN where there is no interval between two events."""
    support: float
    """Share of the window that lies in intervals between events, from 0 to 1."""


def trace(signal: Floats, rate: float, still_s: float) -> Trace:
    """Bridge what is missing; a signal that holds one value for `still_s` seconds or longer stands still."""
    known = np.isfinite(signal)
    if not known.any():
        return Trace(np.zeros(len(signal)), known)
    places = np.arange(len(signal))
    value = np.interp(places, places[known], signal[known])
    return Trace(value, known & ~_still(value, round(still_s * rate)))


def _still(value: Floats, least: int) -> Mask:
    """[n] samples in runs of at least `least` equal values."""
    starts = np.flatnonzero(np.append(True, value[1:] != value[:-1]))
    lengths = np.diff(np.append(starts, len(value)))
    return np.repeat(lengths >= least, lengths)


def rhythm(events: Ints, sound: Mask, usable: Mask, start: int, rate: float, pause: float = np.inf) -> Rhythm:
    """The rhythm of the window that begins at sample `start`: of the intervals that end in it, between neighbours that
    are sound [k] and without an unusable sample [n] between them.

    The rate is that of the mean interval, so that a pause counts as long as it is, unless it is longer than `pause`
    times the median interval: then an event was missed in it.
    """
    first, last = events[:-1], events[1:]
    lost = np.cumsum(~usable)
    whole = sound[:-1] & sound[1:] & (lost[first] == lost[last]) & (last >= start)
    if not whole.any():
        return Rhythm(np.nan, 0.0)
    whole &= last - first <= pause * np.median((last - first)[whole])
    covered = int((last - first)[whole].sum())
    # An interval may begin before the window, so that more than the window can be covered.
    return Rhythm(60 * rate * int(whole.sum()) / covered, min(1.0, covered / (len(usable) - start)))
