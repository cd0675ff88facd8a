"""The one filter of this package."""

import numpy as np
from scipy import signal

from lemof_stream.signals.waveforms import Floats

_ORDER = 2
"""Of the Butterworth filter, run forwards and backwards over what is there: no delay, and no look beyond it."""


def band_pass(value: Floats, low: float, high: float, rate: float) -> Floats:
    """[n] what lies between two frequencies (Hz); zero for a stretch too short to filter."""
    sections = signal.butter(_ORDER, (low, min(high, 0.45 * rate)), "bandpass", fs=rate, output="sos")
    if len(value) <= 3 * (2 * len(sections) + 1):  # what sosfiltfilt pads with
        return np.zeros(len(value))
    filtered: Floats = signal.sosfiltfilt(sections, value)
    return filtered
