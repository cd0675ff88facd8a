"""What a load test found: the models of its JSON report. Times are seconds since second 0 of the schedule."""

import math
import os
import platform
from datetime import datetime

import numpy as np
import psutil
from numpy.typing import NDArray
from pydantic import BaseModel

from lemof_stream.worker.audit import Audit
from simulators.load.latency import RELATIVE_ERROR, Bucket, LatencyHistogram
from simulators.load.objective import Verdict
from simulators.load.plan import Plan, Schedule
from simulators.load.processes import Generated
from simulators.load.watch import Sight


class Latency(BaseModel):
    """Milliseconds from when windows were due until a committed prediction that holds them was read; percentiles to
    `relative_error`. None: so many windows had no prediction that there is no number. `histogram`: of the same windows.
    """

    windows: int
    missing: int
    """Windows that had no prediction when the run was given up."""
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    max: float | None
    relative_error: float = round(RELATIVE_ERROR, 4)
    histogram: list[Bucket]


class Interval(BaseModel):
    """From `at_s` on: windows due, windows answered, and the latencies of those that were due."""

    at_s: float
    due: int
    answered: int
    p50: float | None
    p99: float | None
    dead_letters: int


class Run(BaseModel):
    """One load, from its first window until the last was answered or given up. Windows due before `counted_from_s` warm
    the system up: they are in `over_time` and in nothing else.
    """

    plan: Plan
    counted_from_s: float
    generated: Generated
    answered_per_s: float
    """Windows answered a second, from `counted_from_s` until the last was."""
    latency: Latency
    largest_lag: int | None
    """Of the time in which windows were due, in windows."""
    interval_s: float
    over_time: list[Interval]
    sights: list[Sight]
    verdicts: list[Verdict]

    @property
    def held(self) -> bool:
        """Whether every objective held, in a run that counts."""
        return self.generated.invalid is None and all(verdict.held for verdict in self.verdicts)

    @property
    def reason(self) -> str:
        """Why it did not hold, or that it did."""
        if self.generated.invalid is not None:
            return self.generated.invalid
        broken = [verdict.reason for verdict in self.verdicts if not verdict.held]
        told = broken or [verdict.reason for verdict in self.verdicts] or ["no objective was set"]
        return "; ".join(told) + "."


class Machine(BaseModel):
    """Where the test ran."""

    system: str = platform.platform(terse=True)
    processors: int = os.cpu_count() or 1
    memory_gb: float = round(psutil.virtual_memory().total / 1e9, 1)
    python: str = platform.python_version()


class Report(BaseModel):
    """Everything. `runs`: one, or the trials of a search in their order; `shown`: which of them the report is about."""

    began: datetime
    version: str
    machine: Machine
    brokers: str
    group: str
    partitions: int
    objectives: list[str]
    runs: list[Run]
    shown: int
    largest_beds: int | None
    """Of a search: the most beds that held; None where it was not asked for, or none did."""
    audit: Audit
    held: bool
    reason: str


def latency_of(latency_ms: NDArray[np.float64]) -> tuple[Latency, LatencyHistogram]:
    """The summary of latencies [N], NaN where there was no prediction, and their histogram."""
    histogram = LatencyHistogram.of(latency_ms)
    answered = latency_ms[~np.isnan(latency_ms)]
    told = {name: number(histogram.percentile(q)) for name, q in _PERCENTILES.items()}
    return (
        Latency(
            windows=histogram.count,
            missing=histogram.never,
            max=float(answered.max()) if len(answered) == histogram.count > 0 else None,
            histogram=histogram.buckets(),
            **told,
        ),
        histogram,
    )


_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}


def number(found: float) -> float | None:
    """A number for JSON, which has no infinite ones."""
    return round(found, 2) if math.isfinite(found) else None


def over_time(
    due: Schedule, answered_s: NDArray[np.float64], letters_s: list[tuple[float, int]], interval_s: float
) -> list[Interval]:
    """The course of a run, as far as something was due or answered."""
    end_s = max(float(due.due_s[-1]), float(np.nanmax(answered_s, initial=0.0)))
    edges = np.arange(0.0, end_s + 2 * interval_s, interval_s)
    answered, _ = np.histogram(answered_s[~np.isnan(answered_s)], edges)
    at, counts = (np.array(column) for column in zip(*letters_s or [(0.0, 0)], strict=True))
    letters, _ = np.histogram(at, edges, weights=counts)
    first = np.searchsorted(due.due_s, edges)
    intervals = []
    for place, at_s in enumerate(edges[:-1].tolist()):
        own = slice(first[place], first[place + 1])
        histogram = LatencyHistogram.of((answered_s[own] - due.due_s[own]) * 1000)
        intervals.append(
            Interval(
                at_s=round(at_s, 3),
                due=histogram.count,
                answered=int(answered[place]),
                p50=number(histogram.percentile(50)),
                p99=number(histogram.percentile(99)),
                dead_letters=int(letters[place]),
            )
        )
    return intervals
