"""Recorded waveforms as a feed: what a bedside gateway makes of them and what the monitor shows, every 60 seconds.

A window is computed when its last second is over, from what was sampled by then. The gateway's window holds the heart
and breath rate; a rejected rate is not in it, and where both are there is no window. Its `priority` is its quality, 1
as 0 and 0 as 9, so that a better device counts where there is one. The monitor's window holds the oxygen saturation.

Shapes: M messages.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts import Recording
from lemof_stream.contracts.ehr import Admission, Discharge
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.signals import WINDOW_S, vital_signs, window_starts
from simulators.feed import ORIGIN
from simulators.timeline import StayMessage

_LAST_PRIORITY: Final = 9
_NUMERIC, _CHANNEL = "SpO2", "spo2"
_SECOND: Final = timedelta(seconds=1)


class _Kind(IntEnum):
    """Kinds of message, in the order in which those of one stay and second are sent."""

    ADMISSION = 0
    GATEWAY = 1
    MONITOR = 2
    DISCHARGE = 3


class WaveformFeed:
    """The messages of recordings, each a stay that ends with its last whole window.

    A stay is admitted every `start_min` minutes, at 0 all are at once.
    """

    def __init__(self, recordings: Sequence[Recording], start_min: int = 0) -> None:
        self.stay_ids = tuple(own.record for own in recordings)
        self._recordings = recordings
        self._start_s = start_min * 60.0
        rows = []
        for row, own in enumerate(recordings):
            ends = [start_s + WINDOW_S for start_s in window_starts(own.waveforms)]
            rows += [(0.0, _Kind.ADMISSION, row), (max(ends, default=0.0), _Kind.DISCHARGE, row)]
            rows += [(end_s, kind, row) for end_s in ends for kind in (_Kind.GATEWAY, _Kind.MONITOR)]
        self._rows = sorted(rows, key=lambda own: (own[0] + own[2] * self._start_s, own[1], own[2]))
        self.at_s = np.array([end_s + row * self._start_s for end_s, _, row in self._rows])
        self.stay = np.array([row for *_, row in self._rows])
        self.window = np.array([kind in {_Kind.GATEWAY, _Kind.MONITOR} for _, kind, _ in self._rows])

    def build(self, index: NDArray[np.int64]) -> list[StayMessage]:
        """The messages at these places, without windows that hold nothing."""
        built = (self._message(*self._rows[place]) for place in index.tolist())
        return [message for message in built if message is not None]

    def _message(self, end_s: float, kind: _Kind, row: int) -> StayMessage | None:
        own = self._recordings[row]
        admitted_at = ORIGIN + row * self._start_s * _SECOND
        stay = {"stay_id": own.record, "ward": own.location or "unknown", "admitted_at": admitted_at}
        at = admitted_at + end_s * _SECOND
        if kind == _Kind.ADMISSION:
            event_id = f"{own.record}-admission"
            return Admission(event_id=event_id, event_time=at, demographics=own.demographics, **stay)
        if kind == _Kind.DISCHARGE:
            return Discharge(event_id=f"{own.record}-discharge", event_time=at, **stay)
        window = {"start": at - WINDOW_S * _SECOND, "end": at, **stay}
        return _gateway(own, end_s, window) if kind == _Kind.GATEWAY else _monitor(own, end_s, window)


def _gateway(own: Recording, end_s: float, window: dict[str, Any]) -> VitalWindow | None:
    found = vital_signs(own.waveforms, end_s - WINDOW_S)
    channels = found.channels()
    if not channels:
        return None
    return VitalWindow(
        window_id=f"{own.record}-gateway{end_s:.0f}",
        device="gateway",
        priority=round(_LAST_PRIORITY * (1 - found.quality)),
        channels=channels,
        **window,
    )


def _monitor(own: Recording, end_s: float, window: dict[str, Any]) -> VitalWindow | None:
    shown = own.numerics.get(_NUMERIC, np.zeros(0))[int(end_s - WINDOW_S) : int(end_s)]
    if np.isnan(shown).all():
        return None
    return VitalWindow(
        window_id=f"{own.record}-monitor{end_s:.0f}",
        device="monitor",
        channels={_CHANNEL: float(np.nanmedian(shown))},
        **window,
    )
