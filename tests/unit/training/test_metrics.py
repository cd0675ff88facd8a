"""Scores on cases worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, r2_score, roc_auc_score

from lemof_stream.training.metrics import (
    Floats,
    Score,
    absolute_error,
    auprc,
    auroc,
    calibration_error,
    estimate,
    mean,
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


def test_people_are_drawn_and_not_their_rows() -> None:
    random = np.random.default_rng(3)
    own = random.normal(0, 1, 50)
    rows, person = np.repeat(own, 20), np.repeat(np.arange(50), 20)
    assert estimate(mean, rows, rows, person) == estimate(mean, np.sort(own), np.sort(own), np.argsort(own))


def test_variants_are_compared_on_the_same_draws() -> None:
    random = np.random.default_rng(4)
    truth = random.normal(0, 1, 80)
    near, person = truth + random.normal(0, 1, 80), np.arange(80)
    (own, same), (_, worse) = paired(absolute_error, truth, [near[None], near[None] + 100], person)
    assert own == estimate(absolute_error, truth, near) | {"low": own["low"], "high": own["high"]}
    assert same == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert worse["low"] is not None
    assert worse["low"] > 95
    assert paired(absolute_error, np.full(2, np.nan), [np.ones((1, 2))], person[:2])[0][0]["value"] is None
