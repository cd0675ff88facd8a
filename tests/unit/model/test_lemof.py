"""The whole model: whole stays and single steps agree, whatever the order of slots."""

from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lemof_stream.model import MODALITIES, TASK_SETS, Architecture, InputSchema, LeMoF, StepOutput
from lemof_stream.model.encoders import DILATIONS, EhrEncoder, VitalsEncoder
from lemof_stream.model.features import WINDOW
from lemof_stream.model.schema import STATIC
from tests.model_streams import random_model, random_stays

BEYOND_THE_WINDOW = max(WINDOW, sum(DILATIONS)) + 8
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def model() -> LeMoF:
    return random_model()


def tensors(output: StepOutput) -> dict[str, torch.Tensor]:
    shares = {name: getattr(output, name) for name in ("modality_share", "level_share", "stability_share")}
    return output.columns | shares


@torch.inference_mode()
def assert_step_equals_forward(model: LeMoF, rows: int, steps: int, seed: int, batch: int) -> None:
    """Step random subsets of the slots, each at its own pace, and compare every output with `forward`."""
    stays = random_stays(rows, steps, seed, model.schema)
    whole = tensors(model(stays))
    slab, done = model.initial_state(rows), torch.zeros(rows, dtype=torch.long)
    random = torch.Generator().manual_seed(seed)
    while bool((done < steps).any()):
        waiting = torch.nonzero(done < steps).flatten()
        slots = waiting[torch.randperm(len(waiting), generator=random)][:batch]
        now = stays.rows(slots)
        inputs = type(now)(
            *(getattr(now, f)[torch.arange(len(slots)), done[slots]] for f in now.__annotations__)
        )
        output, after = model.step(inputs, {name: held[slots] for name, held in slab.items()})
        for name, held in slab.items():
            held[slots] = after[name]
        for name, value in tensors(output).items():
            # Relative above 1: the last bit of a probability moves a bound of forty days by some 1e-5 days.
            expected = whole[name][slots, done[slots]]
            difference = ((value - expected).abs() / expected.abs().clamp(min=1)).max().item()
            assert difference <= TOLERANCE, f"{name} differs by {difference}"
        done[slots] += 1


@settings(max_examples=5, deadline=None)  # each example takes some 100 model steps
@given(rows=st.integers(1, 8), seed=st.integers(0, 10_000), batch=st.integers(2, 8))
def test_steps_of_any_subset_of_slots_equal_whole_stays(
    model: LeMoF, rows: int, seed: int, batch: int
) -> None:
    assert_step_equals_forward(model, rows, BEYOND_THE_WINDOW, seed, batch)


@pytest.mark.parametrize("ehr", get_args(EhrEncoder))
@pytest.mark.parametrize("vitals", get_args(VitalsEncoder))
def test_steps_equal_whole_stays_with_every_pair_of_encoders(vitals: VitalsEncoder, ehr: EhrEncoder) -> None:
    """Sizes differ from the defaults, so that no part of the model leans on them."""
    sizes = Architecture(members=4, vitals_width=12, ehr_width=20, vitals_encoder=vitals, ehr_encoder=ehr)
    assert_step_equals_forward(random_model(2, architecture=sizes), rows=6, steps=3 * WINDOW, seed=4, batch=4)


def test_steps_equal_whole_stays_where_the_hours_before_intensive_care_are_asked() -> None:
    asking = random_model(3, architecture=Architecture(members=2), schema=InputSchema(static=STATIC))
    assert_step_equals_forward(asking, rows=40, steps=2, seed=5, batch=7)


def test_a_large_micro_batch_equals_whole_stays(model: LeMoF) -> None:
    assert_step_equals_forward(model, 300, BEYOND_THE_WINDOW, 1, 256)


@torch.inference_mode()
def test_an_open_step_leaves_no_trace(model: LeMoF) -> None:
    stays = random_stays(5, 2, 3)
    state = model.initial_state(5)
    model.step(stays.at(1), state)
    fresh = model.initial_state(5)
    assert all(torch.equal(state[name].nan_to_num(), fresh[name].nan_to_num()) for name in fresh)


@torch.inference_mode()
def test_outputs_are_probabilities_in_order_and_finite(model: LeMoF) -> None:
    columns = model(random_stays(50, 60, 5)).columns
    assert tuple(columns) == TASK_SETS["physionet2012"].columns
    assert all(bool(column.isfinite().all()) for column in columns.values())
    chain = [columns[f"p_los_gt_{edge}"] for edge in (3, 7, 14)]
    assert bool((chain[0] >= chain[1]).all() and (chain[1] >= chain[2]).all())
    assert bool((columns["los_days_lo"] <= columns["los_days"]).all())
    assert bool((columns["los_days"] <= columns["los_days_hi"]).all())


@torch.inference_mode()
def test_shares_sum_to_one_and_name_every_modality_and_level(model: LeMoF) -> None:
    output = model(random_stays(20, 4, 6))
    assert output.modality_share.shape[-1] == len(MODALITIES)
    assert output.level_share.shape[-1] == len(model.level_names)
    for share in (output.modality_share.sum(-1), output.level_share.sum(-1)):
        torch.testing.assert_close(share, torch.ones_like(share))
    assert bool(((output.stability_share >= 0) & (output.stability_share <= 1)).all())


@torch.inference_mode()
def test_a_modality_never_seen_has_no_share_and_no_influence(model: LeMoF) -> None:
    stays = random_stays(10, 3, 7)
    vitals = len(model.schema.vitals)
    stays.median[..., :vitals] = torch.nan
    stays.last[..., :vitals] = torch.nan
    before = model(stays)
    assert before.modality_share[..., 0].max() < 1e-6
    for parameter in model.vitals.parameters():
        parameter.mul_(-3.0)
    try:
        after = model(stays)
    finally:
        for parameter in model.vitals.parameters():
            parameter.div_(-3.0)
    for name, column in before.columns.items():
        torch.testing.assert_close(column, after.columns[name])
