"""How levels are chosen and weighted, and that no kind of attention sees what is masked."""

from typing import get_args

import pytest
import torch

from lemof_stream.model.fusion import Attention, BestLevels, LevelChoice, make_attention

MEMBERS, ROWS, WIDTH = 2, 5, 8
IMPORTANCE = torch.tensor([[0.1], [0.4], [0.2], [0.3]])


def chosen(choice: LevelChoice, k: int, weighting: str = "importance") -> list[float]:
    level = BestLevels(MEMBERS, 3, 4, WIDTH)
    random = torch.Generator().manual_seed(0)
    level.choose(IMPORTANCE, k, choice, weighting, random)  # type: ignore[arg-type]
    return [round(share, 4) for share in level.share.tolist()]


def test_the_most_important_levels_are_weighted_by_importance() -> None:
    assert chosen("importance", 2) == [0.0, 0.5714, 0.0, 0.4286]


def test_the_last_levels_are_the_deepest() -> None:
    assert chosen("last", 2) == [0.0, 0.0, 0.4, 0.6]


def test_all_levels_are_fused_whatever_k_is() -> None:
    assert chosen("all", 1) == [0.1, 0.4, 0.2, 0.3]


def test_equal_weights_are_equal() -> None:
    assert chosen("importance", 2, "equal") == [0.0, 0.5, 0.0, 0.5]


def test_random_levels_are_as_many_as_asked_for_and_repeat() -> None:
    found = chosen("random", 3)
    assert sum(share > 0 for share in found) == 3
    assert found == chosen("random", 3)


@pytest.fixture(params=get_args(Attention))
def attention(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    made = make_attention(request.param, MEMBERS, WIDTH, 2)
    for parameter in made.parameters():
        parameter.data.normal_()
    return made


@torch.no_grad()
def test_a_missing_modality_is_masked_out(attention: torch.nn.Module) -> None:
    tokens = torch.randn(MEMBERS, ROWS, 2, WIDTH)
    seen = torch.tensor([True, False]).expand(ROWS, 2)
    other = tokens.clone()
    other[:, :, 1] = 100 * torch.randn(MEMBERS, ROWS, WIDTH)
    found = attention(tokens, seen)
    assert torch.equal(found, attention(other, seen))
    other[:, :, 0] += 1
    assert not torch.allclose(found, attention(other, seen))


@torch.no_grad()
def test_both_modalities_count_where_both_are_seen(attention: torch.nn.Module) -> None:
    tokens, seen = torch.randn(MEMBERS, ROWS, 2, WIDTH), torch.ones(ROWS, 2, dtype=torch.bool)
    found = attention(tokens, seen)
    for modality in range(2):
        other = tokens.clone()
        other[:, :, modality] += 1
        assert not torch.allclose(found, attention(other, seen))


@torch.no_grad()
def test_a_row_that_saw_nothing_fuses_to_nothing(attention: torch.nn.Module) -> None:
    tokens, seen = torch.randn(MEMBERS, ROWS, 2, WIDTH), torch.zeros(ROWS, 2, dtype=torch.bool)
    assert not attention(tokens, seen).any()


@torch.no_grad()
def test_cross_attention_asks_the_other_modality_only() -> None:
    """With no map of its own tokens but the value, a modality's mixture is the other's."""
    torch.manual_seed(0)
    cross = make_attention("cross", 1, WIDTH, 2)
    tokens, seen = torch.randn(1, 1, 2, WIDTH), torch.ones(1, 2, dtype=torch.bool)
    assert isinstance(cross.own, torch.Tensor)
    assert cross.own.tolist() == [[False, True], [True, False]]
    state = cross.state_dict()
    scrambled = state["qkv.weight"].clone()
    scrambled[:, :, : 2 * WIDTH] = torch.randn(
        1, WIDTH, 2 * WIDTH
    )  # who has one to attend to needs no query or key
    before = cross(tokens, seen)
    cross.load_state_dict(state | {"qkv.weight": scrambled})
    torch.testing.assert_close(cross(tokens, seen), before)
