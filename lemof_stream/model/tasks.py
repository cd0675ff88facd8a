"""What a checkpoint predicts: the tasks that have a logit, and the columns that are published from them."""

from dataclasses import dataclass
from typing import Literal

Readout = Literal["stay", "remaining", "risk"]


@dataclass(frozen=True)
class TaskSet:
    """`names` is the K axis; the last `len(edges)` of them ask whether a duration exceeds an edge, in `unit`s."""

    cohort: str
    names: tuple[str, ...]
    columns: tuple[str, ...]
    readout: Readout
    edges: tuple[float, ...] = ()
    unit: str = ""


_STAY_COLUMNS = (
    "p_death",
    "p_los_gt_3",
    "p_los_gt_7",
    "p_los_gt_14",
    "los_days",
    "los_days_lo",
    "los_days_hi",
)
_REMAINING_EDGES = (6.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0, 144.0)
"""Hours: a shift or two, then days; the recorded target ends at 168."""

TASK_SETS = {
    tasks.cohort: tasks
    for tasks in (
        TaskSet("physionet2012", _STAY_COLUMNS[:4], _STAY_COLUMNS, "stay", (3.0, 7.0, 14.0), "days"),
        TaskSet(
            "eicu",
            tuple(f"p_remaining_gt_{edge:g}" for edge in _REMAINING_EDGES),
            ("remaining_hours", "remaining_hours_lo", "remaining_hours_hi"),
            "remaining",
            _REMAINING_EDGES,
            "hours",
        ),
        TaskSet("sepsis2019", ("p_sepsis",), ("p_sepsis",), "risk"),
    )
}
"""By cohort. Hospital length of stay from admission; remaining hours in intensive care; onset of sepsis."""
