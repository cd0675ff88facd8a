import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemof_stream.model.leaving import EDGES, leaving_within

share = st.floats(0, 1)
days = st.floats(0, 60)


def columns(*longer: float) -> dict[str, float]:
    return dict(zip(EDGES.values(), longer, strict=True))


def test_at_the_edges_it_says_what_the_model_said() -> None:
    predictions = columns(0.8, 0.5, 0.2)

    assert leaving_within(predictions, 3, 0) == pytest.approx(0.2)
    assert leaving_within(predictions, 7, 0) == pytest.approx(0.5)
    assert leaving_within(predictions, 14, 0) == pytest.approx(0.8)


def test_it_conditions_on_the_days_already_passed() -> None:
    assert leaving_within(columns(0.8, 0.4, 0.2), 4, passed=3) == pytest.approx(0.5)
    assert leaving_within(columns(1, 1, 0.5), 4, passed=3) == pytest.approx(0)


def test_between_edges_the_hazard_is_constant() -> None:
    predictions = columns(0.8, 0.5, 0.2)
    first = leaving_within(predictions, 1, passed=3)

    assert leaving_within(predictions, 1, passed=5) == pytest.approx(first)
    assert leaving_within(predictions, 2, passed=3) == pytest.approx(1 - (1 - first) ** 2)


def test_beyond_the_last_edge_somebody_still_leaves() -> None:
    assert leaving_within(columns(1, 1, 1), 30, passed=14) == pytest.approx(1 - 2.718281828**-1)


@given(st.lists(share, min_size=3, max_size=3), days, days, st.floats(0, 10))
def test_it_is_a_probability_that_grows_with_the_horizon(
    longer: list[float], passed: float, horizon: float, more: float
) -> None:
    near = leaving_within(columns(*longer), horizon, passed)
    far = leaving_within(columns(*longer), horizon + more, passed)

    assert 0 <= near <= 1
    assert far >= near - 1e-12
