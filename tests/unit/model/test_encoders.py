"""Every encoder: single steps and whole stays agree, nothing looks ahead, every weight learns."""

from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lemof_stream.model import InputSchema, LeMoF
from lemof_stream.model.channels import all_channels
from lemof_stream.model.encoders import (
    EhrEncoder,
    PointwiseEncoder,
    TemporalEncoder,
    VitalsEncoder,
    ehr_encoder,
    vitals_encoder,
)
from lemof_stream.model.encoders.ft_transformer import ChannelTokens
from lemof_stream.model.encoders.gru import GRULayer
from lemof_stream.model.encoders.transformer import BLOCKS, WINDOW
from lemof_stream.model.features import STATISTICS
from tests.model_streams import random_model, random_stays

MEMBERS, FEATURES, WIDTH = 4, 7, 6
CHANNELS = 3
EHR_FEATURES = CHANNELS * len(STATISTICS) + 5
TOLERANCE = 1e-5
REACH = BLOCKS * (WINDOW - 1)
"""How far back any encoder with a window looks: the TCN's 15 steps are fewer."""

every_temporal = pytest.mark.parametrize("name", get_args(VitalsEncoder))
every_pointwise = pytest.mark.parametrize("name", get_args(EhrEncoder))


def temporal(name: VitalsEncoder) -> TemporalEncoder:
    torch.manual_seed(0)
    return vitals_encoder(name, MEMBERS, FEATURES, WIDTH, dropout=0.3).eval()


def pointwise(name: EhrEncoder) -> PointwiseEncoder:
    torch.manual_seed(0)
    return ehr_encoder(name, MEMBERS, EHR_FEATURES, CHANNELS, 2 * WIDTH, levels=3, dropout=0.3).eval()


def whole(encoder: TemporalEncoder, x: Tensor) -> Tensor:
    """[2, B, T, F] -> [L, E, B, T, D]."""
    levels = torch.stack(encoder(x.flatten(1, 2), x.shape[2]))
    return levels.view(encoder.levels, MEMBERS, *x.shape[1:3], encoder.width)


@every_temporal
@settings(max_examples=10, deadline=None)  # each example takes some 500 encoder steps
@given(
    lengths=st.lists(st.integers(1, 3 * REACH + 5), min_size=1, max_size=5).map(
        lambda n: [*n, 3 * REACH + 1]
    ),
    seed=st.integers(0, 10_000),
    data=st.data(),
)
@torch.inference_mode()
def test_steps_in_any_interleaving_equal_padded_whole_stays(
    name: VitalsEncoder, lengths: list[int], seed: int, data: st.DataObject
) -> None:
    encoder, random = temporal(name), torch.Generator().manual_seed(seed)
    stays = 2 * torch.randn(2, len(lengths), max(lengths), FEATURES, generator=random)
    expected = whole(encoder, stays)
    place = torch.tensor(data.draw(st.permutations(range(len(lengths) + 2))))  # two slots stay empty
    slab = encoder.initial_state(len(place))
    done, length = torch.zeros(len(lengths), dtype=torch.long), torch.tensor(lengths)
    while bool((done < length).any()):
        waiting = torch.nonzero(done < length).flatten()
        chance = torch.rand(len(waiting), generator=random)
        now = waiting[chance <= chance.median()]
        levels, after = encoder.step(stays[:, now, done[now]], {k: v[place[now]] for k, v in slab.items()})
        for key, held in slab.items():
            held[place[now]] = after[key]
        torch.testing.assert_close(
            torch.stack(levels), expected[:, :, now, done[now]], rtol=0, atol=TOLERANCE
        )
        done[now] += 1
    clean = encoder.initial_state(2)
    assert all(torch.equal(held[place[-2:]], clean[key]) for key, held in slab.items())


@every_temporal
@torch.inference_mode()
def test_a_step_leaves_the_state_it_was_given(name: VitalsEncoder) -> None:
    encoder = temporal(name)
    _, state = encoder.step(torch.randn(2, 3, FEATURES), encoder.initial_state(3))
    before = {key: held.clone() for key, held in state.items()}
    encoder.step(torch.randn(2, 3, FEATURES), state)
    assert all(torch.equal(held, before[key]) for key, held in state.items())


@every_temporal
@torch.inference_mode()
def test_the_state_keeps_its_shape_and_type_from_step_to_step(name: VitalsEncoder) -> None:
    encoder = temporal(name)
    state = fresh = encoder.initial_state(3)
    for _ in range(2 * WINDOW):
        _, state = encoder.step(torch.randn(2, 3, FEATURES), state)
    assert {k: (v.shape, v.dtype) for k, v in state.items()} == {
        k: (v.shape, v.dtype) for k, v in fresh.items()
    }


@every_temporal
@torch.inference_mode()
def test_no_level_looks_ahead(name: VitalsEncoder) -> None:
    encoder, stays = temporal(name), torch.randn(2, 2, 40, FEATURES)
    changed = stays.clone()
    changed[:, :, 20:] = 100.0
    before, after = whole(encoder, stays), whole(encoder, changed)
    torch.testing.assert_close(before[:, :, :, :20], after[:, :, :, :20], rtol=0, atol=TOLERANCE)
    assert not torch.isclose(before[:, :, :, 20], after[:, :, :, 20]).all()


@torch.inference_mode()
def test_the_transformer_sees_its_whole_window_and_nothing_beyond() -> None:
    encoder, stays = temporal("transformer"), torch.randn(2, 1, REACH + 2, FEATURES)
    outside, inside = stays.clone(), stays.clone()
    outside[:, :, 0] += 1.0
    inside[:, :, -WINDOW] += 1.0
    last = whole(encoder, stays)[:, :, :, -1]
    torch.testing.assert_close(whole(encoder, outside)[:, :, :, -1], last, rtol=0, atol=TOLERANCE)
    moved = (whole(encoder, inside)[:, :, :, -1] - last).abs().amax((1, 2, 3))
    assert bool((moved > 10 * TOLERANCE).all())


@torch.inference_mode()
def test_a_gru_layer_computes_what_that_of_pytorch_does() -> None:
    layer, torchs = GRULayer(1, WIDTH), torch.nn.GRU(WIDTH, WIDTH, batch_first=True)
    theirs = dict(torchs.named_parameters())
    for ours, name in ((layer.inputs, "ih"), (layer.recurrent, "hh")):
        weight, bias = theirs[f"weight_{name}_l0"], theirs[f"bias_{name}_l0"]
        reset, update, candidate = torch.cat([weight, bias.unsqueeze(1)], 1).chunk(3)  # the order of PyTorch
        both = torch.cat([update, reset, candidate]).T
        ours.weight.copy_(both[:-1])
        ours.bias.copy_(both[-1:])
    x = torch.randn(3, 20, WIDTH)
    torch.testing.assert_close(layer(x.view(1, 60, WIDTH), 20).view(x.shape), torchs(x)[0])


def test_a_width_that_attention_heads_cannot_share_is_refused() -> None:
    with pytest.raises(ValueError, match="width 7 cannot be parted into 2 attention heads"):
        vitals_encoder("transformer", MEMBERS, FEATURES, 7, dropout=0.0)


@every_temporal
def test_every_weight_of_a_temporal_encoder_learns(name: VitalsEncoder) -> None:
    encoder = temporal(name)
    torch.autograd.backward(whole(encoder, torch.randn(2, 3, 30, FEATURES)).square().sum())
    assert all(p.grad is not None and bool((p.grad != 0).any()) for p in encoder.parameters())


@every_pointwise
def test_every_weight_of_a_pointwise_encoder_learns(name: EhrEncoder) -> None:
    encoder = pointwise(name)
    levels = torch.stack(encoder(torch.randn(2, 9, EHR_FEATURES)))
    assert levels.shape == (encoder.levels, MEMBERS, 9, encoder.width)
    torch.autograd.backward(levels.square().sum())
    assert all(p.grad is not None and bool((p.grad != 0).any()) for p in encoder.parameters())


@every_pointwise
@torch.inference_mode()
def test_a_row_does_not_depend_on_its_batch(name: EhrEncoder) -> None:
    encoder, x = pointwise(name), torch.randn(2, 20, EHR_FEATURES)
    together, alone = torch.stack(encoder(x)), torch.stack(encoder(x[:, 7:8]))
    torch.testing.assert_close(together[:, :, 7:8], alone, rtol=0, atol=TOLERANCE)


@every_pointwise
@torch.inference_mode()
def test_members_read_their_own_encoding(name: EhrEncoder) -> None:
    encoder, x = pointwise(name), torch.randn(2, 5, EHR_FEATURES)
    other = x.clone()
    other[1] += 1.0
    moved = (torch.stack(encoder(x)) - torch.stack(encoder(other))).abs().amax((0, 2, 3))
    assert bool((moved[: MEMBERS // 2] == 0).all())
    assert bool((moved[MEMBERS // 2 :] > 0).all())


@pytest.fixture(scope="module")
def model() -> LeMoF:
    return random_model()


@torch.inference_mode()
def test_all_statistics_of_a_channel_are_one_token(model: LeMoF) -> None:
    """Against the order in which the running features really come."""
    names, schema = all_channels(InputSchema())[1], InputSchema()
    stays, other = random_stays(4, 6, 1), random_stays(4, 6, 1)
    for values in (other.median, other.last):
        values[..., schema.channels.index("glucose")] = 200.0
    tokens = ChannelTokens(MEMBERS, model.features.widths[1], len(names), len(STATISTICS), WIDTH)
    before, after = (tokens(model.encodings[1](model.run_features(s).ehr)) for s in (stays, other))
    moved = (before - after).abs().amax((0, 1, 3)) > 0
    assert torch.nonzero(moved).flatten().tolist() == [1 + names.index("glucose")]
