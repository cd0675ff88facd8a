"""A recorded cohort as a feed: vitals as windows, EHR items as events, at their event times.

Shapes: N measurements, G groups (one stay, minute and kind of message), M messages.
"""

from datetime import timedelta
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts import Cohort
from lemof_stream.contracts.channels import VITALS
from lemof_stream.contracts.ehr import Admission, Discharge, Observations
from lemof_stream.contracts.vitals import VitalWindow
from simulators.feed import ORIGIN
from simulators.timeline import StayMessage

_STEP_MINUTES: Final = 60  # a discharge closes the last step of a model of hourly steps
_MINUTE: Final = timedelta(minutes=1)


class _Kind(IntEnum):
    """Kinds of message, in the order in which those of one stay and minute are sent."""

    ADMISSION = 0
    OBSERVATIONS = 1
    WINDOW = 2
    DISCHARGE = 3


class CohortFeed:
    """The messages of a cohort. A stay is admitted every `start_min` minutes, at 0 all are at once."""

    def __init__(self, cohort: Cohort, start_min: int = 0) -> None:
        self.stay_ids = cohort.stay_ids
        self._cohort = cohort
        self._start_min = start_min
        kinds = np.array([_Kind.WINDOW if c in VITALS else _Kind.OBSERVATIONS for c in cohort.channels])
        kind = kinds[cohort.channel]
        # Vitals and EHR items of a minute lie next to each other once sorted by kind.
        key = (cohort.stay.astype(np.int64) << 32) + (cohort.minute.astype(np.int64) << 2) + kind
        order = np.argsort(key, kind="stable")
        self._channel, self._value = cohort.channel[order], cohort.value[order]
        start = np.flatnonzero(np.diff(key[order], prepend=-1))
        first = order[start]
        stays, none = np.arange(len(cohort)), np.zeros(len(cohort), np.int64)
        steps = np.maximum(-(-cohort.recorded_until.astype(np.int64) // _STEP_MINUTES), 1)
        columns = (
            np.concatenate([none, cohort.minute[first], steps * _STEP_MINUTES]),
            np.concatenate([none + _Kind.ADMISSION, kind[first], none + _Kind.DISCHARGE]),
            np.concatenate([stays, cohort.stay[first], stays]),
            np.concatenate([none, start, none]),
            np.concatenate([none, np.append(start[1:], len(key))[: len(start)], none]),
        )
        since = columns[0] + start_min * columns[2].astype(np.int64)
        in_order = np.lexsort((columns[2], columns[1], since))
        self.at_s = since[in_order].astype(np.float64) * 60
        self._columns = tuple(column[in_order] for column in columns)
        self.window = self._columns[1] == _Kind.WINDOW
        self.stay = self._columns[2]

    def build(self, index: NDArray[np.int64]) -> list[StayMessage]:
        """The messages at these places."""
        rows = zip(*(column[index].tolist() for column in self._columns), strict=True)
        return [self._message(*row) for row in rows]

    def _message(self, minute: int, kind: int, row: int, start: int, stop: int) -> StayMessage:
        stay_id, demographics = self._cohort.stay_ids[row], self._cohort.demographics[row]
        ward = demographics.unit_type or "unknown"
        admitted_at = ORIGIN + row * self._start_min * _MINUTE
        at = admitted_at + minute * _MINUTE
        name = f"{self._cohort.name}-{stay_id}"
        if kind == _Kind.WINDOW:
            return VitalWindow(
                window_id=f"{name}-v{minute}",
                stay_id=stay_id,
                ward=ward,
                device="replay",
                admitted_at=admitted_at,
                start=max(at - _MINUTE, admitted_at),
                end=at,
                channels=self._values(start, stop),
            )
        event: dict[str, Any] = {
            "stay_id": stay_id, "ward": ward, "admitted_at": admitted_at, "event_time": at
        }  # fmt: skip
        if kind == _Kind.OBSERVATIONS:
            return Observations(event_id=f"{name}-o{minute}", values=self._values(start, stop), **event)
        if kind == _Kind.ADMISSION:
            return Admission(event_id=f"{name}-admission", demographics=demographics, **event)
        return Discharge(event_id=f"{name}-discharge", **event)

    def _values(self, start: int, stop: int) -> dict[str, float]:
        names = self._cohort.channels
        channels, values = self._channel[start:stop].tolist(), self._value[start:stop].tolist()
        return {names[c]: value for c, value in zip(channels, values, strict=True)}
