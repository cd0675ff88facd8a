"""Where an instant lies on a stay's step grid."""

from datetime import datetime, timedelta

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
"""Microseconds: whole numbers of them are exact, and several times as fast as spans of time."""
_DAY_S = 24 * 60 * 60


def place(admitted_at: datetime, at: datetime, step_minutes: int) -> tuple[int, float]:
    """The step that holds `at`, and the minutes of it passed by then.

    Step k covers minutes (step_minutes * (k - 1), step_minutes * k] since admission; the admission itself belongs to
    step 1. An instant before it does too, as minute 0.
    """
    span = at - admitted_at
    since = (span.days * _DAY_S + span.seconds) * _SECOND + span.microseconds
    if since <= 0:
        return 1, 0.0
    length = step_minutes * _MINUTE
    before = (since - 1) // length
    return before + 1, (since - before * length) / _MINUTE


def step_end(admitted_at: datetime, step: int, step_minutes: int) -> datetime:
    """When a step ends."""
    return admitted_at + timedelta(minutes=step * step_minutes)
