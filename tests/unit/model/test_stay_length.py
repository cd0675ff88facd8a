"""Length of stay: columns agree with each other and with the days already passed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lemof_stream.model.stay_length import StayLength

probability = st.floats(0, 1)


def fitted() -> StayLength:
    stay = StayLength()
    bins = ((1, 3), (4, 7), (8, 14), (15, 60))
    points = stay.support.shape[1]
    stay.support.copy_(torch.stack([torch.linspace(low, high, points).double() for low, high in bins]))
    return stay


def columns(beyond: list[float], passed: float) -> dict[str, float]:
    chance = torch.tensor([beyond], dtype=torch.float64)
    return {
        name: float(c) for name, c in fitted()(chance, torch.tensor([passed], dtype=torch.float64)).items()
    }


@given(st.lists(probability, min_size=3, max_size=3), st.floats(0, 100))
def test_columns_are_ordered_and_never_below_the_days_passed(beyond: list[float], passed: float) -> None:
    found = columns(beyond, passed)
    assert found["p_los_gt_3"] >= found["p_los_gt_7"] - 1e-12 >= found["p_los_gt_14"] - 2e-12
    assert passed <= found["los_days_lo"] <= found["los_days"] <= found["los_days_hi"]


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
