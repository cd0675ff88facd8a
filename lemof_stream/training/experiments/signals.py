"""How well rates out of waveforms agree with what the monitor showed and what annotators saw.

Shapes: W windows of all recordings.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy import signal

from lemof_stream.cohorts import bidmc
from lemof_stream.cohorts.bidmc import RATE, Recording
from lemof_stream.signals import WINDOW_S, vital_signs, window_starts
from lemof_stream.signals.filters import band_pass
from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.metrics import Estimate, Floats, absolute_error, estimate, mean

FITTED: Final = frozenset(f"bidmc_{n:02d}" for n in (1, 3, 5, 10, 12, 14, 16, 18, 20, 21, 22, 23))
"""The recordings that thresholds were fitted on: of every other person, in the order of the first recording of each."""
HEART, BREATH = "heart rate", "breath rate"


class _Windows(NamedTuple):
    """Columns [W]; NaN where a rate is unknown or rejected."""

    record: np.ndarray
    person: np.ndarray
    monitor: dict[str, Floats]
    annotated: tuple[Floats, Floats]
    said: dict[str, dict[str, Floats]]
    """By who said it, then by what."""


def run(setting: Setting) -> list[Variant]:
    """The shipped method and a plain peak finder on all recordings, on those fitted on, and on the others."""
    windows = _windows(bidmc.read(*setting.waveforms).recordings, setting)
    fitted = np.isin(windows.record, list(FITTED))
    parts = {"": np.ones(len(fitted), np.bool_), ", fitted on": fitted, ", not fitted on": ~fitted}
    return [
        Variant(f"{who}{part}", figures=_figures(windows, windows.said[who], who, rows))
        for who in windows.said
        for part, rows in parts.items()
        if rows.any()
    ]


def _figures(windows: _Windows, said: dict[str, Floats], who: str, rows: np.ndarray) -> dict[str, Estimate]:
    person, found = np.unique(windows.person[rows], return_inverse=True)[1], {}
    for what in said if who != _MONITOR else ():
        told = said[what][rows]
        found[f"{what} MAE"] = _error(windows.monitor[what][rows], told, person)
        found[f"{what} kept"] = estimate(mean, (~np.isnan(told)).astype(float), told, person)
    for number, annotated in enumerate(windows.annotated, 1):
        found[f"{BREATH} MAE, annotator {number}"] = _error(annotated[rows], said[BREATH][rows], person)
    return found


def _error(truth: Floats, said: Floats, person: np.ndarray) -> Estimate:
    return estimate(absolute_error, np.where(np.isnan(said), np.nan, truth), said, person)


_MONITOR: Final = "the monitor's numerics"


def _windows(recordings: tuple[Recording, ...], setting: Setting) -> _Windows:
    places = [(own, start_s) for own in recordings for start_s in window_starts(own.waveforms)]
    derived = []
    for done, (own, start_s) in enumerate(places, 1):
        derived.append(vital_signs(own.waveforms, start_s))
        setting.progress("windows", done / len(places))
    monitor = {
        what: np.array([_shown(own, name, start_s) for own, start_s in places])
        for what, name in ((HEART, "HR"), (BREATH, "RESP"))
    }
    return _Windows(
        record=np.array([own.record for own, _ in places]),
        person=np.array([own.person for own, _ in places]),
        monitor=monitor,
        annotated=tuple(  # type: ignore[arg-type]  # two annotators
            np.array([_breaths(own.breaths[which], start_s) for own, start_s in places]) for which in (0, 1)
        ),
        said={
            "lemof signals": {
                HEART: np.array([_or_nan(signs.heart_rate) for signs in derived]),
                BREATH: np.array([_or_nan(signs.resp_rate) for signs in derived]),
            },
            "plain peak finder": {
                HEART: np.array([_plain(own.waveforms.pleth, HEART, start_s) for own, start_s in places]),
                BREATH: np.array([_plain(own.waveforms.resp, BREATH, start_s) for own, start_s in places]),
            },
            _MONITOR: monitor,
        },
    )


def _or_nan(rate: float | None) -> float:
    return np.nan if rate is None else rate


def _shown(own: Recording, name: str, start_s: float) -> float:
    """The mean of the monitor's numerics over a window."""
    shown = own.numerics.get(name, np.zeros(0))[int(start_s) : int(start_s + WINDOW_S)]
    return float(np.nanmean(shown)) if np.isfinite(shown).any() else np.nan


def _breaths(breaths: Floats, start_s: float) -> float:
    """The rate of the annotated breaths of a window: that of their mean interval."""
    return _rate(breaths[(breaths >= start_s) & (breaths < start_s + WINDOW_S)])


def _rate(times_s: Floats) -> float:
    return 60 / float(np.diff(times_s).mean()) if len(times_s) > 1 else np.nan


# What a first attempt takes: usual bands (Hz), every maximum above zero, 170 beats or 40 breaths a minute at most.
_BANDS: Final = {HEART: (0.5, 8.0), BREATH: (0.1, 0.7)}
_CLOSEST_S: Final = {HEART: 0.35, BREATH: 1.5}


def _plain(value: Floats | None, what: str, start_s: float) -> float:
    """The rate of all peaks of a filtered signal in a window."""
    if value is None:
        return np.nan
    known = np.nan_to_num(value[round(start_s * RATE) : round((start_s + WINDOW_S) * RATE)], nan=0.0)
    moved = band_pass(known, *_BANDS[what], RATE)
    return _rate(signal.find_peaks(moved, height=0, distance=round(_CLOSEST_S[what] * RATE))[0] / RATE)
