"""Where an instant lies on a stay's step grid."""

from datetime import datetime, timedelta

_MICROSECOND = timedelta(microseconds=1)
_MINUTE = 60_000_000
"""Microseconds: whole numbers of them are exact, and several times as fast as spans of time."""


def place(admitted_at: datetime, at: datetime, step_minutes: int) -> tuple[int, float]:
    """The step that holds `at`, and the minutes of it passed by then.

    Step k covers minutes (step_minutes * (k - 1), step_minutes * k] since admission; the admission itself belongs to
    step 1. An instant before it does too, as minute 0.
    """
    since = max((at - admitted_at) // _MICROSECOND, 0)
    length = step_minutes * _MINUTE
    step = max(-(-since // length), 1)
    return step, (since - (step - 1) * length) / _MINUTE


def step_end(admitted_at: datetime, step: int, step_minutes: int) -> datetime:
    """When a step ends."""
    return admitted_at + timedelta(minutes=step * step_minutes)
