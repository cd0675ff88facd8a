"""Objectives: their grammar, and the sentence that says by how much one was missed."""

import math

import pytest

from lemof_stream.errors import ConfigError
from simulators.load.latency import LatencyHistogram
from simulators.load.objective import Objective, judge


@pytest.mark.parametrize(
    ("text", "percentile", "limit"),
    [("p99=150ms", 99, 150), ("p99.9=2s", 99.9, 2000), ("p50=0.5s", 50, 500), ("lag=5000", None, 5000)],
)
def test_an_objective_is_a_percentile_in_ms_or_s_or_a_lag_in_windows(
    text: str, percentile: float | None, limit: float
) -> None:
    found = Objective.parse(text)
    assert (found.percentile, found.limit) == (percentile, limit)


@pytest.mark.parametrize("text", ["p99", "p99=150", "99=1ms", "p100=1ms", "p0=1ms", "lag=5ms", "lag=-1", ""])
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--slo .* cannot be read: write .* p99=150ms"):
        Objective.parse(text)


def test_a_percentile_is_held_against_its_limit() -> None:
    latency = LatencyHistogram.of([*[100.0] * 90, *[450.0] * 10])
    assert judge(Objective.parse("p90=150ms"), latency, None).held
    missed = judge(Objective.parse("p99=150ms"), latency, None)
    assert not missed.held
    assert missed.reason == (
        "p99 was 449 ms where at most 150 ms were asked, 299 ms too many (3 times as much)"
    )


def test_windows_without_a_prediction_break_the_objective() -> None:
    verdict = judge(Objective.parse("p99=150ms"), LatencyHistogram.of([*[1.0] * 95, *[math.nan] * 5]), None)
    assert (verdict.held, verdict.found) == (False, None)
    assert "5 of 100 windows had no prediction" in verdict.reason


def test_a_lag_that_nobody_could_read_does_not_hold() -> None:
    latency = LatencyHistogram.of([1.0])
    assert judge(Objective.parse("lag=10"), latency, 10).held
    assert not judge(Objective.parse("lag=10"), latency, 11).held
    assert not judge(Objective.parse("lag=10"), latency, None).held
