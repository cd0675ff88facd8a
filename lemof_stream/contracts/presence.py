"""Who is in a ward: the one rule that the census and the board go by."""

from datetime import datetime, timedelta
from typing import Final

SILENT_AFTER: Final = timedelta(hours=24)
"""A bed that was silent for so long beside beds that are not has lost its discharge message: nobody lies in it."""


def has_left(step_end: datetime, discharged_at: datetime | None) -> bool:
    """Whether a stay had left by the end of the step that its newest prediction is about.

    Not by the clock: a replay knows of a discharge hours of event time before its predictions come to it.
    """
    return discharged_at is not None and discharged_at <= step_end


def is_present(
    step_end: datetime, event_time: datetime, discharged_at: datetime | None, now: datetime
) -> bool:
    """Whether a stay is in its ward at `now`, the newest event time of the ward.

    `step_end` and `event_time` are those of the stay's newest prediction.
    """
    if has_left(step_end, discharged_at) or now - event_time > SILENT_AFTER:
        return False
    return discharged_at is None or discharged_at > now
