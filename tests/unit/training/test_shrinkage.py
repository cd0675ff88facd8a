"""The mean of members is too flat by what averaging takes, and the factor says by how much."""

import pytest
import torch

from lemof_stream.training.shrinkage import spread_lost

MEMBERS = 6


def test_the_factor_by_hand() -> None:
    found = spread_lost(torch.tensor([1.6, 1.0]), torch.tensor([0.6, 0.0]), MEMBERS)
    assert found.tolist() == pytest.approx(
        [1.6 / 1.1, 1.0]
    )  # signal 1, error 0.6 of one, 0.1 of the mean of six


def test_the_factor_is_the_slope_that_the_mean_has_where_one_member_is_calibrated() -> None:
    random = torch.Generator().manual_seed(0)
    signal = torch.randn(200_000, generator=random)
    members = signal + 0.7 * torch.randn(MEMBERS, len(signal), generator=random)
    truth = signal + torch.randn(len(signal), generator=random)
    single, averaged = members[0], members.mean(0)
    slope = [torch.cov(torch.stack([x, truth]))[0, 1] / x.var() for x in (single, averaged)]
    found = spread_lost(single.var(), members.var(0).mean(), MEMBERS)
    assert float(slope[1] / slope[0]) == pytest.approx(float(found), rel=0.01)
