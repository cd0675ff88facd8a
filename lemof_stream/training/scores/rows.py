"""Predictions beside what came to pass.

R rows (a stay and step each), S stays
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lemof_stream.cohorts import Cohort
from lemof_stream.model.tasks import TASK_SETS, TaskSet
from lemof_stream.training.metrics import Floats, People

Places = NDArray[np.intp]
Index = Places | NDArray[np.bool_]


class Binary(NamedTuple):
    """truth [R] 0 or 1, NaN where unknown; predicted [R] a probability."""

    truth: Floats
    predicted: Floats


class Interval(NamedTuple):
    """A duration: truth [R], NaN where unknown; point and the 80% interval [R]."""

    truth: Floats
    point: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Rows:
    """stay [R] row of the cohort, end [R] minutes, person [R]; `tasks` and `durations` by the name of their scores."""

    stay: Places
    end: NDArray[np.int64]
    person: People
    tasks: dict[str, Binary]
    durations: dict[str, Interval]

    def __len__(self) -> int:
        return len(self.stay)

    def take(self, rows: Index) -> "Rows":
        """Some of them: places or a mask [R]."""
        return Rows(
            self.stay[rows],
            self.end[rows],
            self.person[rows],
            {name: Binary(*(column[rows] for column in task)) for name, task in self.tasks.items()},
            {name: Interval(*(column[rows] for column in own)) for name, own in self.durations.items()},
        )


def rows_of(table: pa.Table, cohort: Cohort) -> Rows:
    """The rows of `predict`'s table; of a cohort with step targets only those that have one."""
    place = {stay_id: row for row, stay_id in enumerate(cohort.stay_ids)}
    stay = np.array([place[stay_id] for stay_id in table["stay_id"].to_pylist()], dtype=np.intp)
    end = table["step_end_min"].to_numpy()
    tasks = TASK_SETS[cohort.name]
    column = {name: pc.cast(table[name], pa.float64()).to_numpy() for name in tasks.columns}
    person = np.unique(cohort.person, return_inverse=True)[1].astype(np.intp)[stay]
    if tasks.readout == "stay":
        return Rows(stay, end, person, *_stay_outcomes(cohort, tasks, stay, column))
    target = _step_targets(cohort, stay, end)
    if tasks.readout == "remaining":
        found = Rows(stay, end, person, {}, {"remaining_hours": Interval(target, *column.values())})
    else:
        found = Rows(stay, end, person, {"sepsis": Binary(target, *column.values())}, {})
    return found.take(~np.isnan(target))


def last_rows(stay: Places, end: NDArray[np.int64], minute: int) -> Places:
    """Row of each stay's last prediction at or before a minute; rows come in order of stay and time."""
    rows = np.flatnonzero(end <= minute)
    newest = np.append(stay[rows][1:] != stay[rows][:-1], True) if len(rows) else np.zeros(0, bool)
    return np.asarray(rows[newest], dtype=np.intp)


def _stay_outcomes(
    cohort: Cohort, tasks: TaskSet, stay: Places, column: dict[str, Floats]
) -> tuple[dict[str, Binary], dict[str, Interval]]:
    days = cohort.length_of_stay[stay]
    binary = {"death": Binary(cohort.death[stay], column["p_death"])}
    for edge in tasks.edges:
        beyond = np.where(np.isnan(days), np.nan, (days > edge).astype(float))
        binary[f"los_gt_{edge:g}"] = Binary(beyond, column[f"p_los_gt_{edge:g}"])
    own = (column[name] for name in ("los_days", "los_days_lo", "los_days_hi"))
    return binary, {"los_days": Interval(days, *own)}


def _step_targets(cohort: Cohort, stay: Places, end: NDArray[np.int64]) -> Floats:
    """[R] the target of a stay and step; NaN where it has none."""
    found = np.full(len(stay), np.nan)
    known = cohort.step_targets
    if known is None or not len(known.stay):
        return found
    wanted = (stay.astype(np.int64) << 32) + end // 60
    keys = (known.stay.astype(np.int64) << 32) + known.step
    place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    same = keys[place] == wanted
    found[same] = known.value[place[same]]
    return found
