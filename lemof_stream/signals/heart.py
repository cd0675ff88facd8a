"""The heart rate of a window, from all signals that show beats.

Shapes: n samples.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from lemof_stream.signals.beats import Beats
from lemof_stream.signals.quality import Rhythm

_SUPPORT: Final = 0.5
"""Of the window: half a minute of beats tells the minute's rate where the rest is artefact."""
_AGREE: Final = 3.0
"""A minute: two signals of the same heart differ by a beat or two at the window's ends."""


class HeartRate(NamedTuple):
    """The heart rate of a window."""

    rate: float
    """A minute; NaN where rejected."""
    quality: float
    """How much of the window the beats explain, less for what other signals say; 0 where rejected, else to 1."""


NOTHING: Final = HeartRate(np.nan, 0.0)


def heart_rate(leads: Mapping[str, Beats], pulse: Beats | None, start: int, rate: float) -> HeartRate:
    """Of the window that begins at sample `start`: of the lead that most others bear out.

    The pulse has a vote, but is asked itself only where no lead has a rhythm: beats that eject little have no pulse.
    """
    ecg = [beats.rhythm(start, rate) for beats in leads.values()]
    ecg = [own for own in ecg if own.support >= _SUPPORT]
    pleth = [] if pulse is None else [pulse.rhythm(start, rate)]
    pleth = [own for own in pleth if own.support >= _SUPPORT]
    everybody = ecg + pleth
    if not everybody:
        return NOTHING
    best = max(ecg or pleth, key=lambda own: _borne_out(own, everybody))
    agreeing = _borne_out(best, everybody) / sum(own.support for own in everybody)
    # A lone witness is believed, but not as much as two that agree.
    witnesses = 1.0 if len(everybody) > 1 else 0.5
    return HeartRate(best.rate, best.support * (agreeing + witnesses) / 2)


def _borne_out(own: Rhythm, everybody: Sequence[Rhythm]) -> float:
    """The support of all that agree with a rhythm, its own included."""
    return sum(other.support for other in everybody if abs(other.rate - own.rate) <= _AGREE)
