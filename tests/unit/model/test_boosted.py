"""The boosted level: trees as tensors."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lemof_stream.model.boosted import BoostedLevel
from tests.model_streams import random_model, random_stays

TREES, DEPTH, TASKS, FEATURES = 20, 3, 4, 30


def random_level() -> BoostedLevel:
    torch.manual_seed(0)
    level = BoostedLevel(TREES, DEPTH, TASKS, 2)
    level.feature.random_(2 * FEATURES)
    for tensor in (level.threshold, level.leaf, level.bias):
        tensor.normal_()
    return level


def test_a_row_gets_of_every_tree_the_leaf_that_its_answers_lead_to() -> None:
    level, x = random_level(), torch.randn(7, FEATURES)
    x[torch.rand(x.shape) < 0.2] = torch.nan
    found = level(x)
    for row, values in enumerate(torch.cat([x, -x], 1)):
        total = level.bias.clone()
        for tree in range(TREES):
            node = 0
            for _ in range(DEPTH):
                yes = bool(values[int(level.feature[node, tree])] > level.threshold[node, tree])
                node = 2 * node + 1 + yes
            total += level.leaf[tree * 2**DEPTH + node - (2**DEPTH - 1)]
        torch.testing.assert_close(found[row], total)


def test_without_trees_it_says_its_bias() -> None:
    level = BoostedLevel(0, DEPTH, TASKS, 2)
    level.bias.fill_(1.5)
    assert level(torch.randn(3, FEATURES)).tolist() == [[1.5] * TASKS] * 3


@settings(max_examples=10, deadline=None)
@given(rows=st.integers(1, 40), seed=st.integers(0, 10_000))
@torch.inference_mode()
def test_features_are_the_same_to_the_last_bit_whatever_the_batch(rows: int, seed: int) -> None:
    model, stays = random_model().features, random_stays(rows, 30, seed)
    together, alone = model.initial_state(rows), [model.initial_state(1) for _ in range(rows)]
    for t in range(30):
        all_rows, together = model.step(stays.at(t), together)
        for row in range(rows):
            one, alone[row] = model.step(stays.rows(slice(row, row + 1)).at(t), alone[row])
            for name in ("vitals", "ehr"):
                whole, single = getattr(all_rows, name)[row], getattr(one, name)[0]
                assert torch.equal(whole.nan_to_num(-9.0), single.nan_to_num(-9.0)), name
