"""What is timed against a step computes the same as the step."""

import torch

from lemof_stream.model.bench import WINDOW, measure, parity, random_inputs, recompute_last
from tests.model_streams import random_model


@torch.inference_mode()
def test_what_is_computed_again_is_what_the_step_says() -> None:
    model = random_model()
    inputs, state = random_inputs(model.schema, 6, 30, seed=3), model.initial_state(6)
    for t in range(30):
        output, state = model.step(inputs.at(t), state)
    again = recompute_last(model, inputs)
    for name, column in output.columns.items():
        torch.testing.assert_close(again.columns[name], column, rtol=0, atol=1e-6)


def test_stepping_is_as_good_as_whole_stays() -> None:
    assert parity(random_model()) <= 1e-5


def test_a_measurement_holds_what_scripts_read() -> None:
    found = measure(random_model(), windows=(12, WINDOW), batch=16)
    assert {"parity_max_abs", "batch", "threads", "step_us", "steps_per_s", "recompute_us", "speedup"} <= set(
        found
    )
    assert (found["batch"], found["threads"]) == (16, 1)
    assert [row["steps"] for row in found["by_window"]] == [12, WINDOW]
    assert found["by_window"][1]["recompute_us"] == found["recompute_us"]
