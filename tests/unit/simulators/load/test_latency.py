"""The latency histogram: its error, its sums, and what was never answered."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.load.latency import RELATIVE_ERROR, LatencyHistogram

Latencies = st.lists(st.floats(0.02, 9e5), min_size=1, max_size=200)


@given(Latencies, st.floats(1, 100))
def test_a_percentile_is_right_to_the_stated_error(latencies: list[float], q: float) -> None:
    rank = max(math.ceil(q / 100 * len(latencies)), 1)
    exact = sorted(latencies)[rank - 1]
    assert LatencyHistogram.of(latencies).percentile(q) == pytest.approx(exact, rel=RELATIVE_ERROR * 1.001)


@given(Latencies, Latencies)
def test_histograms_add_up(first: list[float], second: list[float]) -> None:
    together = LatencyHistogram.of(first) + LatencyHistogram.of(second)
    assert (together.counts == LatencyHistogram.of(first + second).counts).all()


@given(Latencies)
def test_a_histogram_survives_its_json(latencies: list[float]) -> None:
    histogram = LatencyHistogram.of([*latencies, math.nan])
    assert (LatencyHistogram.from_buckets(histogram.buckets()).counts == histogram.counts).all()


def test_what_was_never_answered_took_for_ever() -> None:
    histogram = LatencyHistogram.of([*[10.0] * 98, math.nan, math.nan])
    assert histogram.count == 100
    assert histogram.never == 2
    assert histogram.percentile(98) == pytest.approx(10, rel=RELATIVE_ERROR)
    assert histogram.percentile(99) == math.inf


def test_nothing_has_no_percentile() -> None:
    assert math.isnan(LatencyHistogram.of(np.array([])).percentile(50))
