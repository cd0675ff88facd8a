"""The step that is served is the model's own, to the last bit, whatever the number of rows."""

import sys
import threading
import time
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import Tensor

from lemof_stream.model import TASK_SETS, Architecture, LeMoF, StepOutput, load_checkpoint
from lemof_stream.model.decision import Parts
from lemof_stream.model.encoders import EhrEncoder, VitalsEncoder
from lemof_stream.model.fusion import Attention
from lemof_stream.model.traced import SHARES, TracedStep
from tests.model_streams import random_model, random_stays

SIZES = 1, 3, 128, 129, 300, 512, 700
"""Around the blocks of rows that are summed or asked at once, and beyond what the runner steps at once."""
STEPS = 4


def small(
    vitals: VitalsEncoder = "tcn",
    ehr: EhrEncoder = "residual_mlp",
    attention: Attention = "self",
    parts: Parts = "all",
    trees: int = 10,
) -> LeMoF:
    """Sizes differ from the defaults, so that no part of the trace leans on them."""
    sizes = Architecture(
        members=2,
        vitals_width=12,
        ehr_width=20,
        fused_width=8,
        trees=trees,
        vitals_encoder=vitals,
        ehr_encoder=ehr,
        attention=attention,
        parts=parts,
    )
    return random_model(1, architecture=sizes)


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        assert torch.equal(found[name].nan_to_num(-9.0), value.nan_to_num(-9.0)), name


def tensors(output: StepOutput) -> dict[str, Tensor]:
    return output.columns | {name: getattr(output, name) for name in SHARES}


@torch.inference_mode()
def assert_traced_equals_eager(model: LeMoF, sizes: tuple[int, ...] = SIZES) -> None:
    served = TracedStep(model)
    for rows in sizes:
        stays, state = random_stays(rows, STEPS, rows, model.schema), model.initial_state(rows)
        for t in range(STEPS):
            inputs = stays.at(t)
            expected, after = model.step(inputs, state)
            output, found = served.step(inputs, state)
            assert_same(tensors(output), tensors(expected))
            assert_same(found, after)
            assert_same(served.after(inputs, state), after)
            state = found


@pytest.mark.parametrize("cohort", TASK_SETS)
def test_every_shipped_checkpoint_steps_as_its_model(cohort: str) -> None:
    assert_traced_equals_eager(load_checkpoint(Path(cohort)).model)


@pytest.mark.parametrize("vitals", get_args(VitalsEncoder))
def test_every_vitals_encoder_is_traced(vitals: VitalsEncoder) -> None:
    assert_traced_equals_eager(small(vitals=vitals))


@pytest.mark.parametrize("ehr", get_args(EhrEncoder))
def test_every_ehr_encoder_is_traced(ehr: EhrEncoder) -> None:
    assert_traced_equals_eager(small(ehr=ehr))


@pytest.mark.parametrize("attention", get_args(Attention))
def test_every_attention_is_traced(attention: Attention) -> None:
    assert_traced_equals_eager(small(attention=attention))


@pytest.mark.parametrize("parts", get_args(Parts))
def test_every_choice_of_parts_is_traced(parts: Parts) -> None:
    assert_traced_equals_eager(small(parts=parts))


def test_a_model_without_trees_is_traced() -> None:
    assert_traced_equals_eager(small(trees=0))


@torch.inference_mode()
def test_a_step_leaves_the_state_it_was_given() -> None:
    model = small()
    served, stays = TracedStep(model), random_stays(5, 2, 3)
    state = served.after(stays.at(0), model.initial_state(5))
    before = {name: held.clone() for name, held in state.items()}
    served.step(stays.at(1), state)
    served.after(stays.at(1), state)
    assert_same(state, before)


@torch.inference_mode()
def test_beside_a_thread_that_runs_python_a_step_waits_once_not_at_every_operation() -> None:
    """Who asks for Python's lock waits for a switch interval, beside which a step is short."""
    model = small()
    served, inputs, state = TracedStep(model), random_stays(5, 1, 3).at(0), model.initial_state(5)
    over, interval = threading.Event(), sys.getswitchinterval()

    def run_python() -> None:
        while not over.is_set():
            pass

    hog = threading.Thread(target=run_python)
    hog.start()
    sys.setswitchinterval(0.2)
    try:
        start = time.perf_counter()
        kept = served.step(inputs, state)  # to free a tensor takes the lock too
        waits = (time.perf_counter() - start) / sys.getswitchinterval()
    finally:
        over.set()
        sys.setswitchinterval(interval)
        hog.join()
    assert kept
    assert waits < 20  # a step has hundreds of operations


@torch.inference_mode()
def test_two_threads_step_at_once() -> None:
    model = small()
    served, stays = TracedStep(model), random_stays(150, STEPS, 3)
    fresh = model.initial_state(150)
    expected = [tensors(served.step(stays.at(t), fresh)[0]) for t in range(STEPS)]
    found: dict[tuple[int, int], dict[str, Tensor]] = {}

    @torch.inference_mode()
    def step(thread: int) -> None:
        for t in range(STEPS):
            found[thread, t] = tensors(served.step(stays.at(t), fresh)[0])

    threads = [threading.Thread(target=step, args=(thread,)) for thread in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2 * STEPS
    for (_, t), output in found.items():
        assert_same(output, expected[t])
