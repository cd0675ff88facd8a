"""A recorded cohort as a timeline: vitals as windows, EHR items as events, at their event times.

All stays are admitted at one fixed instant, so that ids and times are the same in every replay.

Shapes: N measurements, G groups (one stay, minute and kind of message), M messages.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts import Cohort
from lemof_stream.contracts.channels import VITALS
from lemof_stream.contracts.ehr import Admission, Discharge, Observations
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.errors import ConfigError
from simulators.timeline import Moment, StayMessage, Timeline

ADMITTED_AT: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""The admission of every replayed stay: clearly no real date."""
_STEP_MINUTES: Final = 60  # a discharge closes the last step of a model of hourly steps
_MINUTE: Final = timedelta(minutes=1)


class _Kind(IntEnum):
    """Kinds of message, in the order in which those of one stay and minute are sent."""

    ADMISSION = 0
    OBSERVATIONS = 1
    WINDOW = 2
    DISCHARGE = 3


def choose(cohort: Cohort, stay_ids: Sequence[str], first: int | None) -> Cohort:
    """The stays of a cohort that are named (all, where none is), of these the first few.

    Raises:
        ConfigError: a named stay is not in the cohort.
    """
    rows = {stay_id: row for row, stay_id in enumerate(cohort.stay_ids)}
    for stay_id in stay_ids:
        if stay_id not in rows:
            raise ConfigError(
                f"The stay {stay_id} is not among the {len(rows)} stays that were read; check --stay."
            )
    named = sorted({rows[stay_id] for stay_id in stay_ids} or rows.values())
    return cohort.take(named[:first])


def timeline_of(
    cohort: Cohort, *, disorder_s: float = 0.0, duplicates: float = 0.0, seed: int = 0
) -> Timeline:
    """The messages of a cohort in the order in which they are sent.

    With `disorder_s` each is held back by a random time of up to that many seconds of event time; `duplicates` is
    the share of messages that are sent twice, the second time with a delay of its own. The same seed draws the same.
    """
    messages = _Messages(cohort)
    random = np.random.default_rng(seed)
    again = np.flatnonzero(random.random(len(messages)) < duplicates)
    picked = np.concatenate([np.arange(len(messages)), again])
    at_s = messages.minute[picked] * 60.0 + random.uniform(0.0, disorder_s, len(picked))
    order = np.argsort(at_s, kind="stable")
    return Timeline(
        origin=ADMITTED_AT,
        end_s=float(messages.minute.max()) * 60.0,
        disorder_s=disorder_s,
        messages=len(picked),
        moments=_moments(messages, picked[order], at_s[order]),
    )


def _moments(messages: "_Messages", index: NDArray[np.int64], at_s: NDArray[np.float64]) -> Iterator[Moment]:
    """One moment for all that is due within a second."""
    second = np.floor(at_s)
    for start, stop in pairwise([*np.flatnonzero(np.diff(second, prepend=-1.0)), len(index)]):
        yield Moment(float(at_s[stop - 1]), messages.build(index[start:stop]))


class _Messages:
    """The messages of a cohort in event-time order, as columns [M], each built when it is due."""

    def __init__(self, cohort: Cohort) -> None:
        self._cohort = cohort
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
        in_order = np.lexsort((columns[2], columns[1], columns[0]))
        self.minute = columns[0][in_order]
        self._columns = tuple(column[in_order] for column in columns)

    def __len__(self) -> int:
        return len(self.minute)

    def build(self, index: NDArray[np.int64]) -> list[StayMessage]:
        """The messages at these places."""
        rows = zip(*(column[index].tolist() for column in self._columns), strict=True)
        return [self._message(*row) for row in rows]

    def _message(self, minute: int, kind: int, row: int, start: int, stop: int) -> StayMessage:
        stay_id, demographics = self._cohort.stay_ids[row], self._cohort.demographics[row]
        ward = demographics.unit_type or "unknown"
        at = ADMITTED_AT + minute * _MINUTE
        name = f"{self._cohort.name}-{stay_id}"
        if kind == _Kind.WINDOW:
            return VitalWindow(
                window_id=f"{name}-v{minute}",
                stay_id=stay_id,
                ward=ward,
                device="replay",
                admitted_at=ADMITTED_AT,
                start=max(at - _MINUTE, ADMITTED_AT),
                end=at,
                channels=self._values(start, stop),
            )
        event: dict[str, Any] = {
            "stay_id": stay_id, "ward": ward, "admitted_at": ADMITTED_AT, "event_time": at
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
