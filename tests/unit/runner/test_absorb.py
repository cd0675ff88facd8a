"""What a restore rests on: inputs taken silently leave the very state that a cycle of them leaves."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import Input
from lemof_stream.runner.runner import Runner
from tests.streams import at
from tests.unit.runner.stays import admission, discharge, in_cycles, labs, window


def recording(hours: int) -> list[Input]:
    """Two stays, one longer than the window, with hours of silence and laboratory values."""
    timed: list[tuple[float, Input]] = [
        (minute, window(minute, "s1")) for minute in range(10, 60 * hours, 50)
    ]
    timed += [(minute, window(minute, "s2")) for minute in range(25, 60 * 9, 25)]
    timed += [
        (minute, labs(minute, "s1", creatinine=1 + minute / 3000)) for minute in range(90, 60 * hours, 300)
    ]
    ordered = [item for _, item in sorted(timed, key=lambda pair: pair[0])]
    return [admission("s1"), admission("s2"), *ordered, discharge(60 * 9, "s2")]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), size=st.integers(1, 60), spread=st.integers(0, 20))
def test_inputs_taken_silently_leave_the_state_of_a_cycle_to_the_last_bit(
    predictor: Predictor, seed: int, size: int, spread: int
) -> None:
    draw = random.Random(seed)
    inputs = [
        item
        for _, item in sorted(
            ((index + draw.uniform(0, spread), item) for index, item in enumerate(recording(60))),
            key=lambda pair: pair[0],
        )
    ]
    told, silent = Runner(predictor), Runner(predictor)
    for batch in in_cycles(inputs, size):
        assert silent.absorb(batch) == told.cycle(batch).verdicts
    for stay in ("s1", "s2"):
        assert silent.snapshot(stay) == told.snapshot(stay)
    then: list[Input] = [window(60 * 60 + 5, "s1"), labs(60 * 60 - 30, "s1", lactate=3.0)]
    assert silent.cycle(then).predictions == told.cycle(then).predictions
    assert silent.advance(0, at(60 * 80)) == told.advance(0, at(60 * 80))
