"""The summary of a step: order leaves no trace, floods are bounded, gaps are NaN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemof_stream.model import StepBins

Reading = tuple[float, float]
readings = st.lists(
    st.tuples(st.integers(0, 60).map(float), st.integers(40, 120).map(float)), min_size=1, max_size=30
)


def summarise(taken: list[Reading]) -> tuple[float, float]:
    bins = StepBins(1, 1)
    for minute, value in taken:
        bins.add(np.array([0]), np.array([0]), np.array([minute]), np.array([value]))
    median, last = bins.summary(np.array([0]))
    return float(median[0, 0]), float(last[0, 0])


def test_one_value_summarises_to_itself() -> None:
    assert summarise([(17.0, 82.5)]) == (82.5, 82.5)


def test_nothing_seen_is_nan() -> None:
    median, last = StepBins(2, 3).summary(np.array([1]))
    assert np.isnan(median).all()
    assert np.isnan(last).all()
    assert median.shape == last.shape == (1, 3)


def test_a_flood_of_one_bin_counts_as_one_value() -> None:
    flood = [(1 + i / 100, 200.0) for i in range(100)]
    assert summarise([*flood, (20.0, 80.0), (40.0, 81.0)])[0] == pytest.approx(81.0)


def test_minute_zero_and_the_last_minute_belong_to_the_step() -> None:
    assert summarise([(0.0, 10.0), (60.0, 30.0)]) == (20.0, 30.0)


def test_of_two_values_at_one_minute_the_larger_is_last() -> None:
    assert summarise([(5.0, 90.0), (5.0, 70.0)])[1] == 90.0
    assert summarise([(5.0, 70.0), (5.0, 90.0)])[1] == 90.0


@given(readings, st.randoms())
def test_the_order_of_arrival_leaves_no_trace(taken: list[Reading], random: "np.random.Generator") -> None:
    shuffled = list(taken)
    random.shuffle(shuffled)
    assert summarise(taken) == summarise(shuffled)


@given(readings)
def test_one_call_equals_many(taken: list[Reading]) -> None:
    bins = StepBins(1, 1)
    minutes, values = (np.array(column) for column in zip(*taken, strict=True))
    zeros = np.zeros(len(taken), dtype=np.intp)
    bins.add(zeros, zeros, minutes, values)
    median, last = bins.summary(np.array([0]))
    assert (float(median[0, 0]), float(last[0, 0])) == summarise(taken)


def test_clear_forgets_only_its_rows() -> None:
    bins = StepBins(2, 1)
    bins.add(np.array([0, 1]), np.array([0, 0]), np.array([5.0, 5.0]), np.array([60.0, 61.0]))
    bins.clear(np.array([0]))
    assert np.isnan(bins.summary(np.array([0]))[0]).all()
    assert bins.summary(np.array([1]))[0] == 61.0


def test_grow_keeps_what_was_held() -> None:
    bins = StepBins(1, 1)
    bins.add(np.array([0]), np.array([0]), np.array([5.0]), np.array([60.0]))
    bins.grow(2)
    median, _ = bins.summary(np.array([0, 1, 2]))
    np.testing.assert_array_equal(median[:, 0], [60.0, np.nan, np.nan])


Ranked = tuple[float, float, int]
ranked_readings = st.lists(
    st.tuples(st.integers(0, 60).map(float), st.integers(40, 120).map(float), st.integers(0, 2)),
    min_size=1,
    max_size=30,
)


def summarise_ranked(taken: list[Ranked], at_once: int = 1) -> tuple[float, float]:
    bins = StepBins(1, 1)
    for start in range(0, len(taken), at_once):
        minutes, values, ranks = (
            np.array(column) for column in zip(*taken[start : start + at_once], strict=True)
        )
        zeros = np.zeros(len(minutes), dtype=np.intp)
        bins.add(zeros, zeros, minutes, values, ranks.astype(np.uint8))
    median, last = bins.summary(np.array([0]))
    return float(median[0, 0]), float(last[0, 0])


@given(ranked_readings, st.randoms(), st.integers(1, 30))
def test_of_each_bin_the_lowest_rank_counts_whatever_comes_first(
    taken: list[Ranked], random: "np.random.Generator", at_once: int
) -> None:
    def bin_of(minute: float) -> int:
        return max(int(np.ceil(minute / 5)) - 1, 0)

    best = {
        b: min(rank for minute, _, rank in taken if bin_of(minute) == b) for b in map(bin_of, _minutes(taken))
    }
    trusted = [(minute, value) for minute, value, rank in taken if rank == best[bin_of(minute)]]
    shuffled = list(taken)
    random.shuffle(shuffled)
    assert summarise_ranked(shuffled, at_once) == summarise(trusted)


def _minutes(taken: list[Ranked]) -> list[float]:
    return [minute for minute, _, _ in taken]


def test_a_trusted_device_that_falls_silent_is_followed_by_the_next() -> None:
    assert summarise_ranked([(3.0, 80.0, 0), (4.0, 200.0, 1), (8.0, 90.0, 1)]) == (85.0, 90.0)
