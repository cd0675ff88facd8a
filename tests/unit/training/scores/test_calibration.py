"""Calibration slope, intercept and reliability, against scikit-learn and by hand."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from lemof_stream.training.metrics import Floats
from lemof_stream.training.scores.calibration import calibration_line, reliability

ROWS = 2_000


def risks(seed: int = 0) -> tuple[Floats, Floats]:
    """Truth, and the risk that it was drawn with."""
    random = np.random.default_rng(seed)
    risk = expit(random.normal(-1, 1, ROWS))
    return (random.random(ROWS) < risk).astype(float), risk


def test_the_slope_is_that_of_a_logistic_regression() -> None:
    truth, risk = risks()
    slope, _ = calibration_line(truth, risk, np.arange(ROWS))
    fitted = LogisticRegression(C=1e12, tol=1e-10).fit(logit(risk)[:, None], truth)
    assert slope["value"] == pytest.approx(fitted.coef_[0, 0], abs=2e-4)


def test_predictions_twice_as_sure_have_half_the_slope() -> None:
    truth, risk = risks()
    slope, _ = calibration_line(truth, risk, np.arange(ROWS))
    sure, _ = calibration_line(truth, expit(2 * logit(risk)), np.arange(ROWS))
    assert slope["value"] is not None
    assert sure["value"] == pytest.approx(slope["value"] / 2, abs=1e-3)


def test_the_intercept_is_how_far_the_risks_are_off_as_a_whole() -> None:
    truth, risk = risks()
    _, level = calibration_line(truth, risk, np.arange(ROWS))
    _, raised = calibration_line(truth, expit(logit(risk) + 0.7), np.arange(ROWS))
    assert level["value"] is not None
    assert raised["value"] == pytest.approx(level["value"] - 0.7, abs=1e-3)


def test_rows_that_are_repeated_for_a_person_tell_no_more() -> None:
    truth, risk = risks()
    once = calibration_line(truth, risk, np.arange(ROWS))
    thrice = calibration_line(np.tile(truth, 3), np.tile(risk, 3), np.tile(np.arange(ROWS), 3))
    for single, repeated in zip(once, thrice, strict=True):
        assert repeated["low"] == pytest.approx(single["low"], abs=1e-3)
        assert repeated["high"] == pytest.approx(single["high"], abs=1e-3)


def test_a_line_is_not_defined_with_one_class_or_one_prediction() -> None:
    truth, _ = risks()
    assert calibration_line(np.zeros(ROWS), np.full(ROWS, 0.3), np.arange(ROWS))[0]["value"] is None
    assert calibration_line(truth, np.full(ROWS, 0.3), np.arange(ROWS))[0]["value"] is None


def test_reliability_has_bins_of_equal_count_with_wilson_intervals() -> None:
    truth, predicted = np.tile([0.0, 1.0], 50), np.repeat(np.arange(10) / 10, 10)
    bins = reliability(truth, predicted, np.arange(100))
    assert [b["rows"] for b in bins] == [10] * 10
    assert bins[3]["predicted"] == 0.3
    assert bins[3]["observed"] == 0.5
    assert (bins[3]["low"], bins[3]["high"]) == pytest.approx(
        (0.2366, 0.7634), abs=1e-4
    )  # 5 of 10, by Wilson


def test_a_bin_without_events_has_an_interval_as_wide_as_its_people_are_few() -> None:
    many = reliability(np.zeros(100), np.linspace(0, 1, 100), np.arange(100))[0]
    few = reliability(np.zeros(100), np.linspace(0, 1, 100), np.zeros(100, np.intp))[0]
    assert many["low"] == few["low"] == 0.0
    assert many["high"] == pytest.approx(0.2775, abs=1e-4)  # 0 of 10, by Wilson
    assert few["high"] > many["high"]


def test_reliability_of_unknown_outcomes_is_empty() -> None:
    assert reliability(np.full(3, np.nan), np.ones(3), np.arange(3)) == []
