"""Signals of a heart and a chest whose rates are known."""

from typing import Final

import numpy as np

from lemof_stream.signals import Waveforms
from lemof_stream.signals.waveforms import Floats

RATE: Final = 125


def times(rate: float, seconds: float = 60.0) -> Floats:
    """When a regular rhythm has its events."""
    return np.arange(0.3, seconds, 60 / rate)


def ecg(beats: Floats, seconds: float = 60.0, width_s: float = 0.012) -> Floats:
    """A QRS complex and a T wave at each beat."""
    return _bumps(beats, seconds, width_s) + 0.2 * _bumps(beats + 0.25, seconds, 0.05)


def pleth(beats: Floats, seconds: float = 60.0) -> Floats:
    """A pulse after each beat, with a smaller wave behind it."""
    return _bumps(beats + 0.25, seconds, 0.08) + 0.3 * _bumps(beats + 0.5, seconds, 0.08)


def resp(rate: float, seconds: float = 60.0) -> Floats:
    """Breaths of one depth."""
    return np.sin(2 * np.pi * rate / 60 * _seconds(seconds))


def noise(size: float, seconds: float = 60.0, seed: int = 0) -> Floats:
    """White noise of a standard deviation."""
    return np.random.default_rng(seed).normal(0, size, round(seconds * RATE))


def patient(heart: float = 75, breath: float = 16, seconds: float = 60.0) -> Waveforms:
    """Two leads, a pulse and an impedance that are clean."""
    beats = times(heart, seconds)
    lead = ecg(beats, seconds)
    return Waveforms(RATE, {"II": lead, "V": -0.7 * lead}, pleth(beats, seconds), resp(breath, seconds))


def _seconds(seconds: float) -> Floats:
    return np.arange(round(seconds * RATE)) / RATE


def _bumps(centres: Floats, seconds: float, width_s: float) -> Floats:
    found: Floats = np.exp(-0.5 * ((_seconds(seconds)[:, None] - centres) / width_s) ** 2).sum(1)
    return found
