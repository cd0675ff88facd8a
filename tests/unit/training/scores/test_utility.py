"""The Challenge 2019's utility on stays worked out by hand: a label that rises at hour k means onset at hour k + 6."""

import numpy as np
import pytest

from lemof_stream.training.metrics import Floats
from lemof_stream.training.scores.utility import best_threshold, gains, normalised_utility, row_utility


def septic(first: int, hours: int) -> tuple[Floats, Floats]:
    """A stay of `hours` rows whose label rises in row `first`, from 1: label, hour."""
    hour = np.arange(1.0, hours + 1)
    return (hour >= first).astype(float), hour


def test_an_alarm_earns_most_six_hours_before_onset_and_nothing_from_three_after() -> None:
    label, hour = septic(10, 22)  # onset at 16
    alarm, _ = row_utility(label, hour, np.zeros(22, np.intp))
    earned = dict(zip(hour.tolist(), alarm.tolist(), strict=True))
    assert earned[3] == -0.05  # earlier than 12 h before
    assert earned[4] == pytest.approx(0.0)
    assert earned[7] == pytest.approx(0.5)
    assert earned[10] == pytest.approx(1.0)
    assert earned[13] == pytest.approx(2 / 3)
    assert earned[19] == pytest.approx(0.0)
    assert earned[20] == 0.0


def test_silence_costs_from_six_hours_before_onset_until_three_after() -> None:
    label, hour = septic(10, 22)
    _, silence = row_utility(label, hour, np.zeros(22, np.intp))
    cost = dict(zip(hour.tolist(), silence.tolist(), strict=True))
    assert cost[9] == cost[10] == cost[20] == 0.0
    assert cost[13] == pytest.approx(-2 / 3)
    assert cost[19] == pytest.approx(-2.0)


def test_an_alarm_for_whom_sepsis_never_comes_costs_a_twentieth() -> None:
    alarm, silence = row_utility(np.zeros(3), np.arange(1.0, 4), np.zeros(3, np.intp))
    assert alarm.tolist() == [-0.05] * 3
    assert silence.tolist() == [0.0] * 3


def test_utility_is_one_for_the_best_alarms_and_nought_for_none() -> None:
    label, hour = septic(10, 22)
    gain = gains(label, hour, np.zeros(22, np.intp))
    once = np.ones((1, 22))
    window = ((hour >= 4) & (hour <= 19)).astype(float)  # what the Challenge's own code takes for the best
    assert normalised_utility(gain, window, once)[0] == pytest.approx(1.0)
    assert normalised_utility(gain, np.zeros(22), once)[0] == 0.0


def test_utility_of_one_alarm_in_a_ward_of_two() -> None:
    label, hour = septic(1, 3)  # onset at 7: rows at 6, 5 and 4 h before
    stay = np.repeat([0, 1], 3)
    gain = gains(np.append(label, np.zeros(3)), np.tile(hour, 2), stay)
    best = 1 + (8 / 9 + 2 / 9) + (7 / 9 + 4 / 9)
    alarm = np.array([0.0, 1, 0, 1, 0, 0])
    found = normalised_utility(gain, alarm, np.ones((1, 6)))[0]
    assert found == pytest.approx((10 / 9 - 0.05) / best)


def test_a_row_without_a_label_adds_nothing() -> None:
    assert gains(np.array([np.nan, 0.0]), np.array([1.0, 2]), np.zeros(2, np.intp)).tolist() == [0.0, -0.05]


def test_without_sepsis_utility_is_not_defined() -> None:
    assert np.isnan(normalised_utility(np.full(3, -0.05), np.ones(3), np.ones((1, 3)))).all()


def test_the_best_threshold_lies_below_the_last_alarm_that_pays() -> None:
    assert best_threshold(np.array([1.0, -0.5, 2.0]), np.array([0.2, 0.4, 0.6])) == pytest.approx(0.1 + 0.1)
    assert best_threshold(np.array([0.1, -0.5, 2.0]), np.array([0.2, 0.4, 0.6])) == pytest.approx(0.5)


def test_no_threshold_is_best_where_no_alarm_pays() -> None:
    assert best_threshold(np.array([-1.0, -1.0]), np.array([0.2, 0.4])) is None
