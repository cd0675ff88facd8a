"""The utility of the PhysioNet/CinC Challenge 2019, normalised: 1 for the best alarms, 0 for none at all.

Reyna et al., Critical Care Medicine 48 (2020) 210-217. An alarm earns from 12 h before the onset of sepsis, most at 6 h
before, and nothing from 3 h after; silence costs from 6 h before; an alarm for whom sepsis never comes costs a little.
The label rises 6 h before onset, so onset is the first labelled row and 6 h.

R rows, S stays
"""

import numpy as np
from numpy.typing import NDArray

from lemof_stream.training.metrics import Floats

EARLIEST, OPTIMAL, LATEST = -12, -6, 3
"""Hours from onset."""
MOST, MISSED, FALSE_ALARM = 1.0, -2.0, -0.05
"""Utility of an alarm at the optimal hour, of silence at the latest, of an alarm that is too early or false."""

Stays = NDArray[np.intp]


def row_utility(label: Floats, hour: Floats, stay: Stays) -> tuple[Floats, Floats]:
    """Utility of an alarm and of silence at every row [R], each.

    label [R] 0 or 1; hour [R] since admission; stay [R].
    """
    stays = int(stay.max(initial=-1)) + 1
    first = np.full(stays, np.inf)
    np.minimum.at(first, stay[label == 1], hour[label == 1])
    onset = (first - OPTIMAL)[stay]
    septic = np.isfinite(onset)
    since = np.where(septic, hour - np.where(septic, onset, 0.0), 0.0)
    rising = np.maximum(MOST * (since - EARLIEST) / (OPTIMAL - EARLIEST), FALSE_ALARM)
    late = (since - OPTIMAL) / (LATEST - OPTIMAL)
    alarm = np.where(since <= OPTIMAL, rising, MOST * (1 - late))
    silence = np.where(since <= OPTIMAL, 0.0, MISSED * late)
    over = since > LATEST
    alarm, silence = np.where(over, 0.0, alarm), np.where(over, 0.0, silence)
    return np.where(septic, alarm, FALSE_ALARM), np.where(septic, silence, 0.0)


def gains(label: Floats, hour: Floats, stay: Stays) -> Floats:
    """What an alarm adds to silence at every row [R]; rows without a label add nothing."""
    known = ~np.isnan(label)
    gain = np.zeros(len(label))
    alarm, silence = row_utility(label[known], hour[known], stay[known])
    gain[known] = alarm - silence
    return gain


def normalised_utility(gain: Floats, alarm: Floats, weight: Floats) -> Floats:
    """Utility over that of the best alarms, both from that of silence, of every draw: gain and alarm [R] -> draws.

    The arguments are in the order of a `Score`.
    """
    best = weight @ np.maximum(gain, 0.0)
    found: Floats = np.divide(weight @ (gain * alarm), best, out=np.full(len(best), np.nan), where=best > 0)
    return found


def best_threshold(gain: Floats, predicted: Floats) -> float | None:
    """The threshold of most utility: an alarm is a prediction at or above it. None where no alarm adds anything."""
    order = np.argsort(-predicted, kind="stable")
    ranked = predicted[order]
    total = gain[order].cumsum()
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # equal predictions alarm together
    if not len(last) or total[last].max() <= 0:
        return None
    place = last[total[last].argmax()]
    below = ranked[min(place + 1, len(ranked) - 1)]
    return float((ranked[place] + below) / 2)
