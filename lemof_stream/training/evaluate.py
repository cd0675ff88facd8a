"""Scores of a cohort's predictions: by hours observed, reliability, groups of patients.

A cohort whose outcomes are of the stay is scored at some hours, each stay with its last prediction. A stay that is no
longer recorded has left; features of recency find that and would score on it, which no bedside system can. So every
score is reported a second time on the stays with a value in the last `RECENT_HOURS`.

A cohort with a target at every step is scored over all these steps, and over bands of hours observed.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lemof_stream.cohorts import Cohort
from lemof_stream.model.tasks import TASK_SETS
from lemof_stream.training.metrics import UNDEFINED, Estimate, estimate
from lemof_stream.training.scores.blocks import blocks
from lemof_stream.training.scores.calibration import reliability
from lemof_stream.training.scores.rows import Rows, last_rows, rows_of
from lemof_stream.training.scores.subgroups import subgroups
from lemof_stream.training.scores.utility import gains, normalised_utility

HOURS = (6, 12, 24, 48)
RECENT_HOURS = 6
GROUPS_HOUR = 24
"""Groups of patients are scored here: a day has been seen, and nearly all are still being recorded."""
BAND_ENDS = (6, 12, 24, 48, 96, 168)
"""Hours; the last band has no end."""


def evaluate(table: pa.Table, cohort: Cohort, threshold: float | None = None) -> dict[str, Any]:
    """Scores of the table that `predict` writes. `threshold`: of an alarm, for the Challenge's utility.

    `hours`: at each hour of HOURS, or in each band of hours such as `7-12`, of `all` rows and (stay outcomes) of the
    `recorded`; `overall` (step targets): of every row; `reliability`: by hour or band; `subgroups`.
    """
    rows = rows_of(table, cohort)
    stays = TASK_SETS[cohort.name].readout == "stay"
    parts = by_hours(rows, cohort)
    hours = {name: {"all": blocks(part)} for name, part in parts.items()}
    whole = parts[str(GROUPS_HOUR)] if stays else rows
    found: dict[str, Any] = {
        "cohort": cohort.name,
        "stays": len(cohort),
        "people": len(set(cohort.person)),
        "stay_ids": f"{min(cohort.stay_ids)} to {max(cohort.stay_ids)}",
        "hours": hours,
    }
    if stays:
        for name, part in parts.items():
            hours[name]["recorded"] = blocks(part.take(recorded_at(cohort, 60 * int(name))[part.stay]))
    else:
        found["overall"] = blocks(rows)
        parts = {"overall": rows} | parts
    if "sepsis" in rows.tasks:
        found["overall"]["sepsis"]["utility"] = _utility(rows, threshold)
        found["threshold"] = threshold
    return found | {
        "reliability": {name: _reliability(part) for name, part in parts.items()},
        "subgroups": subgroups(whole, cohort),
    }


def by_hours(rows: Rows, cohort: Cohort) -> dict[str, Rows]:
    """The rows that are scored together: each stay's last up to an hour of HOURS, or those of a band such as `7-12`."""
    return _at_hours(rows) if TASK_SETS[cohort.name].readout == "stay" else _in_bands(rows)


def recorded_at(cohort: Cohort, minute: int) -> NDArray[np.bool_]:
    """[S] whether a stay holds a value in the `RECENT_HOURS` up to a minute."""
    recent = (cohort.minute <= minute) & (cohort.minute > minute - 60 * RECENT_HOURS)
    held = np.zeros(len(cohort), bool)
    held[cohort.stay[recent]] = True
    return held


def _at_hours(rows: Rows) -> dict[str, Rows]:
    return {str(hour): rows.take(last_rows(rows.stay, rows.end, 60 * hour)) for hour in HOURS}


def _in_bands(rows: Rows) -> dict[str, Rows]:
    """Every row in the band of hours that its step ends in."""
    starts, ends = (0, *BAND_ENDS), (*BAND_ENDS, None)
    found = {}
    for start, end in zip(starts, ends, strict=True):
        inside = rows.end > 60 * start
        if end is not None:
            inside &= rows.end <= 60 * end
        found[f"{start + 1}-{end or ''}"] = rows.take(inside)
    return found


def _reliability(rows: Rows) -> dict[str, Any]:
    own = {name: (task.truth, task.predicted) for name, task in rows.tasks.items()}
    own |= {name: (duration.truth, duration.point) for name, duration in rows.durations.items()}
    return {name: reliability(*pair, rows.person) for name, pair in own.items()}


def _utility(rows: Rows, threshold: float | None) -> Estimate:
    task = rows.tasks["sepsis"]
    if threshold is None:
        return UNDEFINED
    gain = gains(task.truth, rows.end / 60, rows.stay)
    return estimate(normalised_utility, gain, (task.predicted >= threshold).astype(float), rows.person)
