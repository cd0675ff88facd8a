"""Heart beats in the ECG and in the pulse.

Both by two moving averages, one as long as what marks a beat and one as long as a beat: where the short one is above
the long one there is a beat (Elgendi 2010 for the ECG, Elgendi 2013 for the pulse, whose bands and lengths are these).
A beat then has to look like others of the window: an artefact does not recur (after Orphanidou 2015, who compares with
one template; here any shape will do that occurs often enough, so that ectopic beats in bigeminy count).

Shapes: n samples, k beats, m samples around a beat.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy import ndimage

from lemof_stream.signals.filters import band_pass
from lemof_stream.signals.quality import Rhythm, rhythm, trace
from lemof_stream.signals.waveforms import Floats, Ints, Mask

_REFRACTORY_S: Final = 0.24
"""The shortest interval between beats, 250 a minute: the fastest plausible heart rate of `contracts.channels`."""
_ALIKE: Final = 0.9
"""Correlation from which two beats look alike; beats of one shape correlate with 0.95 and more."""
_SIZE: Final = 2.0
"""How many times larger one of two beats may be than the other, breathing included."""
_RECUR: Final = 3
"""How many others a beat has to look like: fewer occur by chance among some 80."""
_BURST: Final = 4.0
"""How many times the usual peak an artefact may weigh; more would hide the beats around it under its average."""


class _Kind(NamedTuple):
    """How one signal shows a beat: bands in Hz, lengths in seconds."""

    band: tuple[float, float]
    mark_s: float
    beat_s: float
    offset: float
    """Of the mean energy: how far the short average must be above the long one."""
    both_signs: bool
    """Whether a beat may point down."""
    shape_band: tuple[float, float]
    shape_s: float
    """Half of the stretch in which beats are compared."""
    still_s: float
    pause: float
    """Times the median interval from which a beat was missed."""


# A QRS complex takes some 100 ms; its shape holds more than the band it is found in. Two seconds without any change are
# no ECG, not even one that is sampled with 8 bits, whose baseline stands for half a second.
ECG: Final = _Kind(
    (8, 20), 0.097, 0.611, 0.08, both_signs=True, shape_band=(1, 40), shape_s=0.1, still_s=2.0,
    pause=np.inf,
)  # fmt: skip
# A pulse has no plateau: half a second of one value is the end of the amplifier's range. Weak pulses are missed, which
# doubles an interval; the ECG, whose pauses are real, has no such limit.
PLETH: Final = _Kind(
    (0.5, 8), 0.111, 0.667, 0.02, both_signs=False, shape_band=(0.5, 8), shape_s=0.25, still_s=0.5, pause=1.75,
)  # fmt: skip


class Beats(NamedTuple):
    """The beats of one signal."""

    at: Ints
    """[k] sample at which each has its peak."""
    sound: Mask
    """[k] whether it looks like others."""
    usable: Mask
    """[n] samples of the signal."""
    pause: float

    def rhythm(self, start: int, rate: float) -> Rhythm:
        """Of the window that begins at sample `start`."""
        return rhythm(self.at, self.sound, self.usable, start, rate, self.pause)


def find_beats(signal: Floats, rate: float, kind: _Kind) -> Beats:
    """The beats of an ECG lead or a pulse, with a mark on those that look like others."""
    held = trace(signal, rate, kind.still_s)
    moved = band_pass(held.value, *kind.band, rate)
    energy = (moved if kind.both_signs else np.maximum(moved, 0)) ** 2
    at = _refractory(_peaks(energy, rate, kind), energy, round(_REFRACTORY_S * rate))
    shapes = band_pass(held.value, *kind.shape_band, rate)
    return Beats(at, _recurring(shapes, at, round(kind.shape_s * rate)), held.usable, kind.pause)


def _peaks(energy: Floats, rate: float, kind: _Kind) -> Ints:
    seconds = energy[: len(energy) // round(rate) * round(rate)].reshape(-1, round(rate))
    if not seconds.any():
        return np.zeros(0, np.intp)
    tame = np.minimum(energy, _BURST * np.median(seconds.max(1)))
    short = ndimage.uniform_filter1d(tame, round(kind.mark_s * rate))
    long = ndimage.uniform_filter1d(tame, round(kind.beat_s * rate))
    above = np.diff((short > long + kind.offset * tame.mean()).astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(above > 0), np.flatnonzero(above < 0)
    # Shorter stretches are noise (Elgendi), by the same length as the short average, less a sample at either end.
    kept = ends - starts >= round(kind.mark_s * rate) - 2
    pairs = zip(starts[kept], ends[kept], strict=True)
    return np.array([start + energy[start:end].argmax() for start, end in pairs], np.intp)


def _refractory(peaks: Ints, energy: Floats, least: int) -> Ints:
    """Of peaks that are too close, the larger one."""
    kept: list[int] = []
    for peak in peaks.tolist():
        if not kept or peak - kept[-1] >= least:
            kept.append(peak)
        elif energy[peak] > energy[kept[-1]]:
            kept[-1] = peak
    return np.array(kept, np.intp)


def _recurring(value: Floats, at: Ints, half: int) -> Mask:
    """[k] beats that are alike in shape and size to at least `_RECUR` others."""
    if not len(at):
        return np.zeros(0, np.bool_)
    padded = np.pad(value, half, mode="edge")
    shapes = padded[at[:, None] + np.arange(2 * half + 1)]
    shapes = shapes - shapes.mean(1, keepdims=True)
    size = np.maximum(np.linalg.norm(shapes, axis=1), np.finfo(float).tiny)
    shapes = shapes / size[:, None]
    close = np.abs(np.log(size[:, None] / size)) <= np.log(_SIZE)
    alike: Mask = ((shapes @ shapes.T >= _ALIKE) & close).sum(1) > _RECUR  # one of them is itself
    return alike
