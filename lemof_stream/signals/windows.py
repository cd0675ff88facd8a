"""Vital signs of every minute of a recording, as a bedside gateway computes them: from what has been sampled by then.

A recording is cut into whole windows of 60 s that begin with it and do not overlap; a shorter rest is left out.
Filters and the first beat or breath of a window also see the 20 s before it, and nothing sees what comes after it.

Shapes: n samples.
"""

from typing import Annotated, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from lemof_stream.signals.beats import ECG, PLETH, Beats, find_beats
from lemof_stream.signals.heart import heart_rate
from lemof_stream.signals.respiration import NOTHING, Breathing, impedance_breathing, modulated_breathing
from lemof_stream.signals.waveforms import Floats, Waveforms

WINDOW_S: Final = 60.0
CONTEXT_S: Final = 20.0
"""Two breaths of a patient who takes six a minute."""
_SUPPORT: Final = 0.5
"""Of the window that must lie between breaths; the first window, which has no context, loses a breath at its start."""
_SPREAD: Final = 2.0
"""Breaths a minute between the counters, from which none is believed: fitted (see `training.experiments.signals`)."""
_MODULATED: Final = 0.5
"""Breaths in beats count half as much as in the impedance: they agree with annotators half as well."""

Rate = Annotated[float, Field(ge=0, le=400)]


class VitalSigns(BaseModel):
    """One window; a rate is None where it was rejected."""

    model_config = ConfigDict(frozen=True)

    start_s: float
    """Seconds since the recording's start, as `end_s`."""
    end_s: float
    heart_rate: Rate | None
    """A minute."""
    resp_rate: Rate | None
    """A minute."""
    quality: Annotated[float, Field(ge=0, le=1)]
    """Mean of the heart rate's and the breath rate's quality, of which a rejected one has 0."""

    def channels(self) -> dict[str, float]:
        """What there is, by the channel names of `contracts.channels`, for a `VitalWindow`; may be empty."""
        found = {"heart_rate": self.heart_rate, "resp_rate": self.resp_rate}
        return {name: rate for name, rate in found.items() if rate is not None}


def vital_windows(recording: Waveforms) -> list[VitalSigns]:
    """The vital signs of every whole window of a recording."""
    return [vital_signs(recording, start_s) for start_s in window_starts(recording)]


def window_starts(recording: Waveforms) -> list[float]:
    """Seconds at which the whole windows of a recording begin."""
    return [window * WINDOW_S for window in range(int(recording.seconds // WINDOW_S))]


def vital_signs(waveforms: Waveforms, start_s: float) -> VitalSigns:
    """The vital signs of the window that begins `start_s` after the waveforms do: what a gateway calls with its buffer.

    Samples before the window are context, up to `CONTEXT_S`; samples after it are not looked at.
    """
    context_s = min(CONTEXT_S, start_s)
    seen = waveforms.between(start_s - context_s, start_s + WINDOW_S)
    start, rate = round(context_s * seen.rate), seen.rate
    leads = {name: find_beats(signal, rate, ECG) for name, signal in seen.ecg.items()}
    pulse = None if seen.pleth is None else find_beats(seen.pleth, rate, PLETH)
    heart = heart_rate(leads, pulse, start, rate)
    breath, certainty = _breathing(seen, leads, pulse, start)
    return VitalSigns(
        start_s=start_s,
        end_s=start_s + WINDOW_S,
        heart_rate=_known(heart.rate),
        resp_rate=_known(breath),
        quality=round((heart.quality + certainty) / 2, 4),
    )


def _breathing(
    seen: Waveforms, leads: dict[str, Beats], pulse: Beats | None, start: int
) -> tuple[float, float]:
    """The breath rate, NaN where rejected, and its quality.

    Beats are asked only where there is no impedance: where its counters disagree, breathing is irregular or shallow,
    and what moves with it is no clearer.
    """
    measured = NOTHING if seen.resp is None else impedance_breathing(seen.resp, start, seen.rate)
    if measured.support >= _SUPPORT:
        return _believed(measured, 1.0)
    shown: list[tuple[Beats, Floats]] = [(leads[name], seen.ecg[name]) for name in leads]
    if pulse is not None and seen.pleth is not None:
        shown.append((pulse, seen.pleth))
    return _believed(modulated_breathing(shown, start, seen.rate), _MODULATED)


def _believed(found: Breathing, weight: float) -> tuple[float, float]:
    if found.support < _SUPPORT or found.spread > _SPREAD:
        return np.nan, 0.0
    return found.rate, weight * found.support * (1 - found.spread / (2 * _SPREAD))


def _known(rate: float) -> float | None:
    return None if np.isnan(rate) else round(float(rate), 2)
