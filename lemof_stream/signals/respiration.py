"""Breaths in the impedance of the chest, and in what breathing does to the beats where there is no impedance.

Shapes: n samples, k beats.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy import signal

from lemof_stream.signals.beats import Beats
from lemof_stream.signals.filters import band_pass
from lemof_stream.signals.quality import Rhythm, rhythm, trace
from lemof_stream.signals.waveforms import Floats, Ints, Mask

_STILL_S: Final = 10.0
"""A monitor's limit cuts large breaths into plateaus of up to 4 s; after 10 s of one value the lead is off."""
_BAND: Final = (0.08, 0.7)
"""Hz: 5 to 42 breaths a minute pass whole, which holds the adults of intensive care."""
_WIDE: Final = (0.07, 1.0)
"""Hz: with what else moves the chest within a breath, which a sensitive monitor may count."""
_CYCLE: Final = 0.2
"""Of the upper quartile of the maxima: what a breath must exceed (Schäfer and Kratky 2008)."""
_PROMINENCE: Final = 0.4
"""Of the standard deviation of the signal: how far a breath must rise above both valleys beside it."""
_SHORTEST_S: Final = 0.8
"""Between breaths: 75 a minute, above the fastest plausible breath rate of `contracts.channels`."""
_GRID_HZ: Final = 4.0
"""Beats come at 0.5 to 4 Hz, so that a faster grid holds nothing more (Karlen 2013)."""
_PERIODIC: Final = 0.5
"""Autocorrelation from which a series of beats tells breaths: fitted (see `training.experiments.signals`)."""
_FIRST: Final = 0.8
"""Of the highest autocorrelation."""
_FEWEST: Final = 8
"""Beats: fewer hold no two breaths."""
_CLIP: Final = (1, 99)
"""Percentiles: a movement ten times a breath would set the thresholds."""


class Breathing(NamedTuple):
    """Breaths of a window, as several counters see them."""

    rate: float
    """Median of the counters, a minute; NaN where one found nothing."""
    support: float
    """The least share of the window that lies between breaths."""
    spread: float
    """Standard deviation of the counters, a minute: they agree on breaths that are plain."""


NOTHING: Final = Breathing(np.nan, 0.0, np.inf)


def impedance_breathing(resp: Floats, start: int, rate: float) -> Breathing:
    """Of the window that begins at sample `start`, by three counters from insensitive to sensitive.

    The first wants a rise above and a fall below the mean; the others want peaks of some prominence. Where breaths have
    shoulders, or the heart shows in the impedance, they differ.
    """
    held = trace(resp, rate, _STILL_S)
    if not held.usable.any():
        return NOTHING
    tame = np.clip(held.value, *np.percentile(held.value[held.usable], _CLIP))
    narrow, wide = (band_pass(tame, *band, rate) for band in (_BAND, _WIDE))
    counters = (_cycles(narrow), _prominent(narrow, rate), _prominent(wide, rate))
    return _merged([_rhythm(breaths, held.usable, start, rate) for breaths in counters])


def modulated_breathing(beats: Sequence[tuple[Beats, Floats]], start: int, rate: float) -> Breathing:
    """Of the window that begins at sample `start`, from what breathing does to beats, each given with its signal.

    Breathing moves the intervals between beats, their height and their baseline (Charlton 2016 lists them), but in one
    patient not in another. The most periodic of these series counts, if it is periodic enough (a respiratory quality
    index, Birrenkott 2018); its breaths are counted, and its period is one more opinion.
    """
    step, best, found = rate / _GRID_HZ, _PERIODIC, NOTHING
    first = round(start / step)
    for own, value in beats:
        grid = np.arange(0, len(value), step)
        usable = own.usable[grid.astype(np.intp)]
        for places, moved in _modulations(own, value):
            tame = np.clip(moved, *np.percentile(moved, _CLIP))
            series = band_pass(np.interp(grid, places, tame), *_BAND, _GRID_HZ)
            period, periodic = _period(series)
            if periodic >= best:
                counted = [
                    _rhythm(c, usable, first, _GRID_HZ)
                    for c in (_cycles(series), _prominent(series, _GRID_HZ))
                ]
                best, found = periodic, _merged([*counted, Rhythm(60 * _GRID_HZ / period, 1.0)])
    return found


def _modulations(beats: Beats, value: Floats) -> Iterator[tuple[Ints, Floats]]:
    """Places and values of what breathing modulates: interval, height and baseline of sound beats."""
    at = beats.at[beats.sound]
    if len(at) >= _FEWEST:
        valleys = np.minimum.reduceat(value, at)[:-1]
        yield at[1:], np.diff(at).astype(float)
        yield at[1:], value[at[1:]] - valleys
        yield at, value[at]


def _period(value: Floats) -> tuple[float, float]:
    """The period, in samples, at which a series is most like itself, and its autocorrelation there."""
    longest = round(_GRID_HZ / _BAND[0])
    spectrum = np.fft.rfft(value, 2 * len(value))
    products = np.fft.irfft(np.abs(spectrum) ** 2)[: longest + 2]
    if len(value) < 2 * longest or products[0] <= 0:
        return np.nan, 0.0
    own = products / products[0] * len(value) / (len(value) - np.arange(len(products)))
    lags = signal.argrelmax(own)[0]
    lags = lags[(lags >= _GRID_HZ / _BAND[1]) & (lags <= longest) & (own[lags] > 0)]
    if not len(lags):
        return np.nan, 0.0
    # The first lag that is nearly the best: multiples of the period are as good.
    lag = int(lags[own[lags] >= _FIRST * own[lags].max()][0])
    before, at, after = own[lag - 1 : lag + 2]
    return lag + (before - after) / 2 / (before - 2 * at + after), float(at)


def _cycles(value: Floats) -> Ints:
    """[k] maxima of breaths that rise above a part of the usual height and fall below the mean in between."""
    maxima: Ints = signal.argrelmax(value)[0]
    if not len(maxima):
        return maxima
    kept: list[int] = []
    for peak in maxima[value[maxima] > _CYCLE * np.percentile(value[maxima], 75)].tolist():
        if not kept or value[kept[-1] : peak].min() < 0:
            kept.append(peak)
        elif value[peak] > value[kept[-1]]:
            kept[-1] = peak
    return np.array(kept, np.intp)


def _prominent(value: Floats, rate: float) -> Ints:
    peaks: Ints = signal.find_peaks(
        value, prominence=_PROMINENCE * value.std(), distance=round(_SHORTEST_S * rate)
    )[0]
    return peaks


def _rhythm(breaths: Ints, usable: Mask, start: int, rate: float) -> Rhythm:
    return rhythm(breaths, np.ones(len(breaths), np.bool_), usable, start, rate)


def _merged(counted: Sequence[Rhythm]) -> Breathing:
    rates = np.array([own.rate for own in counted])
    if np.isnan(rates).any():
        return NOTHING
    return Breathing(float(np.median(rates)), min(own.support for own in counted), float(rates.std()))
