"""Scores on cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, r2_score, roc_auc_score

from lemof_stream.training.metrics import (
    Estimate,
    Floats,
    Score,
    absolute_error,
    auprc,
    auroc,
    calibration_error,
    estimate,
    median,
    paired,
    r_squared,
)


def once(score: Score, truth: Floats, predicted: Floats) -> float:
    return float(score(truth, predicted, np.ones((1, len(truth))))[0])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 3)), min_size=2, max_size=40))
def test_ranking_scores_are_those_of_scikit_learn_ties_and_weights_included(
    rows: list[tuple[bool, int, int]],
) -> None:
    truth, predicted, weight = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    if not 0 < truth @ weight < weight.sum():
        assert np.isnan(auroc(truth, predicted, weight[None])).all()
        return
    assert auroc(truth, predicted, weight[None])[0] == pytest.approx(
        roc_auc_score(truth, predicted, sample_weight=weight)
    )
    assert auprc(truth, predicted, weight[None])[0] == pytest.approx(
        average_precision_score(truth, predicted, sample_weight=weight)
    )


def test_calibration_error_is_the_mean_gap() -> None:
    truth = np.tile([0.0, 1.0], 500)
    assert once(calibration_error, truth, np.full(1000, 0.5)) == pytest.approx(0.0, abs=0.01)
    assert once(calibration_error, truth, np.full(1000, 0.9)) == pytest.approx(0.4, abs=0.01)


def test_an_estimate_leaves_unknown_outcomes_out_and_holds_its_value() -> None:
    truth = np.array([3.0, 5.0, np.nan, 9.0])
    found = estimate(absolute_error, truth, np.array([4.0, 6.0, 100.0, 10.0]))
    assert found == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_an_estimate_without_known_outcomes_is_none() -> None:
    assert estimate(auroc, np.full(3, np.nan), np.ones(3))["value"] is None


def test_the_interval_brackets_the_value_and_repeats() -> None:
    random = np.random.default_rng(1)
    truth = (random.random(400) < 0.3).astype(float)
    predicted = truth + random.normal(0, 1, 400)
    found = estimate(auroc, truth, predicted)
    assert found == estimate(auroc, truth, predicted)
    assert found["low"] is not None
    assert found["value"] is not None
    assert found["high"] is not None
    assert found["low"] < found["value"] < found["high"]


def test_explained_variance_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(2)
    truth, weight = random.normal(50, 9, 60), random.integers(0, 4, 60).astype(float)
    predicted = truth + random.normal(0, 5, 60)
    expected = r2_score(truth, predicted, sample_weight=weight)
    assert r_squared(truth, predicted, weight[None])[0] == pytest.approx(expected)
    assert np.isnan(once(r_squared, np.full(5, 3.0), np.arange(5.0)))


def test_the_median_is_the_least_that_half_of_the_weight_does_not_exceed() -> None:
    truth = np.array([5.0, 1.0, 9.0, 3.0])
    assert once(median, truth, truth) == 3.0
    assert median(truth, truth, np.array([[1.0, 0, 3, 0]]))[0] == 9.0


def test_a_paired_difference_is_narrower_than_the_scores_it_is_of() -> None:
    random = np.random.default_rng(1)
    truth = (random.random(400) < 0.3).astype(float)
    first = truth + random.normal(0, 1, 400)
    second = first + random.normal(0, 0.1, 400)
    (one, _), (other, difference) = paired(auroc, truth, [first[None], second[None]], np.arange(400))
    assert one == estimate(auroc, truth, first)
    assert width(difference) < 0.3 * width(other)
    assert width(difference) > 0


def test_a_person_drawn_brings_all_of_their_rows() -> None:
    random = np.random.default_rng(1)
    truth = random.normal(0, 1, 100)
    predicted = np.zeros((1, 100))
    alone = paired(absolute_error, truth, [predicted], np.arange(100))[0][0]
    tenfold = paired(absolute_error, truth.repeat(10), [predicted.repeat(10, 1)], np.arange(100).repeat(10))[
        0
    ][0]
    assert tenfold == alone


def test_seeds_of_a_variant_are_averaged() -> None:
    truth = np.array([3.0, 5.0])
    found = paired(absolute_error, truth, [np.array([[4.0, 6.0], [6.0, 8.0]])], np.arange(2))[0]
    assert found == ({"value": 2.0, "low": 2.0, "high": 2.0}, {"value": 0.0, "low": 0.0, "high": 0.0})


def test_a_comparison_without_known_outcomes_is_none() -> None:
    found = paired(auroc, np.full(3, np.nan), [np.ones((1, 3))] * 2, np.arange(3))
    assert [score["value"] for pair in found for score in pair] == [None] * 4


def width(found: Estimate) -> float:
    assert found["low"] is not None
    assert found["high"] is not None
    return found["high"] - found["low"]
