"""Durations: columns agree with each other and with what has passed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lemof_stream.model import TASK_SETS
from lemof_stream.model.duration import POINTS
from lemof_stream.model.readout import RemainingReadout, StayReadout

probability = st.floats(0, 1)
DAY = 24


def fitted() -> StayReadout:
    stay = StayReadout(TASK_SETS["physionet2012"])
    bins = ((1, 3), (4, 7), (8, 14), (15, 60))
    stay.duration.support.copy_(
        torch.stack([torch.linspace(low, high, POINTS).double() for low, high in bins])
    )
    return stay


def columns(beyond: list[float], passed: float) -> dict[str, float]:
    chance = torch.tensor([[0.1, *beyond]], dtype=torch.float64)
    hours = torch.tensor([passed * DAY], dtype=torch.float64)
    return {name: float(column) for name, column in fitted()(chance, hours).items()}


def remaining(beyond: list[float]) -> dict[str, float]:
    readout = RemainingReadout(TASK_SETS["eicu"])
    bounds = (0.0, *readout.tasks.edges, 168.0)
    for b in range(len(bounds) - 1):
        readout.duration.support[b] = torch.linspace(bounds[b] + 1, bounds[b + 1], POINTS).double()
    found = readout(torch.tensor([beyond], dtype=torch.float64), torch.tensor([50.0]).double())
    return {name: float(column) for name, column in found.items()}


@given(st.lists(probability, min_size=3, max_size=3), st.floats(0, 100))
def test_columns_are_ordered_and_never_below_the_days_passed(beyond: list[float], passed: float) -> None:
    found = columns(beyond, passed)
    assert found["p_los_gt_3"] >= found["p_los_gt_7"] - 1e-12 >= found["p_los_gt_14"] - 2e-12
    assert passed <= found["los_days_lo"] + 1e-9
    assert found["los_days_lo"] <= found["los_days"] <= found["los_days_hi"]


def test_early_in_the_stay_the_probabilities_are_the_models() -> None:
    found = columns([0.9, 0.5, 0.2], 0.5)
    assert [round(found[f"p_los_gt_{edge}"], 6) for edge in (3, 7, 14)] == [0.9, 0.5, 0.2]


def test_probabilities_are_conditioned_on_still_being_here() -> None:
    found = columns([0.9, 0.5, 0.2], 8.5)
    assert found["p_los_gt_3"] == pytest.approx(1.0)
    assert found["p_los_gt_7"] == pytest.approx(1.0)
    assert found["p_los_gt_14"] > 0.2 / 0.5


def test_a_longer_stay_is_expected_where_the_probabilities_say_so() -> None:
    assert columns([0.9, 0.7, 0.5], 1.0)["los_days"] > columns([0.5, 0.3, 0.1], 1.0)["los_days"]


def test_remaining_hours_lie_near_the_median_whatever_has_passed() -> None:
    even = remaining([0.9, 0.8, 0.5, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert 20 < even["remaining_hours"] < 40
    assert even["remaining_hours_lo"] < even["remaining_hours"] < even["remaining_hours_hi"]


@given(st.lists(probability, min_size=8, max_size=8), st.integers(0, 7), st.floats(-1e-6, 1e-6))
def test_a_rounding_error_of_a_probability_stays_one(beyond: list[float], which: int, error: float) -> None:
    moved = list(beyond)
    moved[which] = min(max(moved[which] + error, 0.0), 1.0)
    difference = remaining(moved)["remaining_hours"] - remaining(beyond)["remaining_hours"]
    assert abs(difference) <= 500 * abs(moved[which] - beyond[which]) + 1e-9
