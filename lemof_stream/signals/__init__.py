"""Waveforms into vital signs, as a bedside gateway makes them: heart and breath rate of every minute, their quality."""

from lemof_stream.signals.waveforms import Waveforms
from lemof_stream.signals.windows import (
    CONTEXT_S,
    WINDOW_S,
    VitalSigns,
    vital_signs,
    vital_windows,
    window_starts,
)

__all__ = [
    "CONTEXT_S",
    "WINDOW_S",
    "VitalSigns",
    "Waveforms",
    "vital_signs",
    "vital_windows",
    "window_starts",
]
