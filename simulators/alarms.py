"""Alerts against what came to pass: their burden, and how long before the event they came.

Shapes: S stays, R rows (a stay and step each, in order of stay and time), A alerts, E events whose time is known.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from lemof_stream.cohorts import Cohort
from lemof_stream.training.metrics import Floats
from lemof_stream.training.scores.utility import OPTIMAL

_HOURS_A_DAY: Final = 24.0

Places = NDArray[np.intp]


class Alerts(NamedTuple):
    """stay [A] row of the cohort; hour [A] since admission."""

    stay: Places
    hour: Floats


class Quartiles(BaseModel):
    """Of hours: the middle one, and the two that hold the middle half."""

    median: float
    low: float
    high: float


class AlarmScore(BaseModel):
    """What alerts cost and what they are worth. Shares are None where there is nothing to share."""

    alerts: int
    patient_days: float
    """From admission to the end of the recording, over all stays."""
    per_patient_day: float
    events: int
    """Stays with an event whose time is known."""
    alerted_before: int
    """Of those, the ones whose first alert came before the event."""
    sensitivity: float | None
    alerted_stays: int
    alerted_with_event: int
    """Of those, the ones that had the event, ever."""
    positive_predictive_value: float | None
    lead_hours: Quartiles | None
    """From a stay's first alert to its event, over `alerted_before`."""


class Events(NamedTuple):
    """happened [S] whether ever; hour [S] since admission, NaN where there is none or its time is unknown."""

    happened: NDArray[np.bool_]
    hour: Floats
    what: str
    """The definition, for a person."""


def events_of(cohort: Cohort) -> Events | None:
    """What alerts of a cohort are to foresee; None where it has no such event."""
    if cohort.name == "sepsis2019":
        return _onsets(cohort)
    if np.isnan(cohort.death).all():
        return None
    died = cohort.death == 1
    hour = np.where(died, cohort.length_of_stay * _HOURS_A_DAY, np.nan)
    return Events(died, hour, "death in hospital, its time known to the day (length of stay)")


def _onsets(cohort: Cohort) -> Events | None:
    targets = cohort.step_targets
    if targets is None or not len(targets.stay):
        return None
    first = np.full(len(cohort), np.inf)
    septic = targets.value == 1
    np.minimum.at(first, targets.stay[septic], targets.step[septic].astype(float))
    onset = np.where(np.isfinite(first), first - OPTIMAL, np.nan)
    return Events(
        np.isfinite(first), onset, "onset of sepsis, 6 h after the first labelled hour (Reyna et al. 2020)"
    )


def alerts_of(
    stay: Places, end_min: NDArray[np.int64], risk: Floats, raise_at: float, clear_below: float
) -> Alerts:
    """The alerts that a risk [R] raises: at `raise_at` or above where none stands, which falls below `clear_below`."""
    raised, whose = False, -1
    at = []
    for row, (owner, value) in enumerate(zip(stay.tolist(), risk.tolist(), strict=True)):
        standing = raised and owner == whose
        raised, whose = value >= (clear_below if standing else raise_at), owner
        if raised and not standing:
            at.append(row)
    rows = np.array(at, dtype=np.intp)
    return Alerts(stay[rows], end_min[rows] / 60.0)


def score_alarms(alerts: Alerts, events: Events, patient_days: float) -> AlarmScore:
    """Score alerts of a cohort's stays."""
    first = np.full(len(events.hour), np.inf)
    np.minimum.at(first, alerts.stay, alerts.hour)
    alerted = np.isfinite(first)
    known = ~np.isnan(events.hour)
    lead = (events.hour - first)[known & alerted]
    lead = lead[lead > 0]
    return AlarmScore(
        alerts=len(alerts.stay),
        patient_days=round(patient_days, 2),
        per_patient_day=round(len(alerts.stay) / patient_days, 3),
        events=int(known.sum()),
        alerted_before=len(lead),
        sensitivity=_share(len(lead), int(known.sum())),
        alerted_stays=int(alerted.sum()),
        alerted_with_event=(hits := int((alerted & events.happened).sum())),
        positive_predictive_value=_share(hits, int(alerted.sum())),
        lead_hours=_quartiles(lead),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def _quartiles(hours: Floats) -> Quartiles | None:
    if not len(hours):
        return None
    low, median, high = (round(float(value), 1) for value in np.quantile(hours, [0.25, 0.5, 0.75]))
    return Quartiles(median=median, low=low, high=high)
