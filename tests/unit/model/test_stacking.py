"""Module 1: the closed form of the levels' Shapley values is the definition's."""

import itertools
import math
import warnings

import numpy as np
import torch

from lemof_stream.model.stacking import StackingMetaLearner


def random_meta(levels: int) -> StackingMetaLearner:
    meta = StackingMetaLearner(levels, 4).double()
    for tensor in (meta.weight, meta.bias, meta.background):
        tensor.copy_(torch.randn_like(tensor))
    return meta


def shapley_by_definition(meta: StackingMetaLearner, z: torch.Tensor) -> torch.Tensor:
    """All 2^L coalitions: levels outside a coalition take their background."""
    levels = len(z)

    def worth_of(coalition: tuple[int, ...]) -> torch.Tensor:
        mixed = meta.background.unsqueeze(1).expand_as(z).clone()
        mixed[list(coalition)] = z[list(coalition)]
        worth: torch.Tensor = meta(mixed)
        return worth

    values = torch.zeros_like(z)
    for level in range(levels):
        others = [other for other in range(levels) if other != level]
        for size in range(levels):
            weight = math.factorial(size) * math.factorial(levels - size - 1) / math.factorial(levels)
            for coalition in itertools.combinations(others, size):
                values[level] += weight * (worth_of((*coalition, level)) - worth_of(coalition))
    return values


def test_closed_form_equals_all_coalitions() -> None:
    torch.manual_seed(1)
    for levels in range(1, 7):
        meta, z = random_meta(levels), torch.randn(levels, 5, 4, dtype=torch.float64)
        torch.testing.assert_close(meta.shapley(z), shapley_by_definition(meta, z))


def test_closed_form_equals_the_shap_package() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies warn when they are imported
        import shap
    torch.manual_seed(2)
    meta, z = random_meta(4), torch.randn(4, 5, 4, dtype=torch.float64)
    for task in range(4):

        def g(levels: np.ndarray, task: int = task) -> np.ndarray:
            """[n, L] of one task -> [n]."""
            spread = torch.from_numpy(levels).T.unsqueeze(-1).expand(-1, -1, 4)
            own: np.ndarray = meta(spread)[:, task].numpy()
            return own

        masker = shap.maskers.Independent(meta.background[:, task].unsqueeze(0).numpy())
        found = shap.ExactExplainer(g, masker)(z[:, :, task].T.numpy()).values
        np.testing.assert_allclose(found, meta.shapley(z)[:, :, task].T.numpy(), atol=1e-10)


def test_shapley_values_sum_to_the_distance_from_the_background() -> None:
    meta, z = random_meta(4), torch.randn(4, 5, 4, dtype=torch.float64)
    distance = meta(z) - meta(meta.background.unsqueeze(1))
    torch.testing.assert_close(meta.shapley(z).sum(0), distance)


def test_importance_is_a_share_of_each_task() -> None:
    meta, z = random_meta(4), torch.randn(4, 50, 4, dtype=torch.float64)
    torch.testing.assert_close(meta.measure_importance(z).sum(0), torch.ones(4, dtype=torch.float64))
