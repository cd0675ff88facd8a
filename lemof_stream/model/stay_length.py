"""Length of stay as a distribution over days, from the three ordinal probabilities.

    R rows, J support points a bin; float64 throughout

Each bin (<=3, 3-7, 7-14, >14 days) spreads its probability evenly over J days that halve, quarter, ... the training
stays of that bin. The distribution is conditioned on still being here: a support day x stands for leaving during the
day from x to x + 1 and fades out while that day passes. Every step is continuous in the probabilities, so that a
rounding error of the network stays a rounding error.
"""

import torch
from torch import Tensor, nn

from lemof_stream.model.schema import LOS_EDGES

BINS = len(LOS_EDGES) + 1
SPREAD_FLOOR = 0.1
"""Added to the distribution's spread in log days, so that the interval of a sure prediction keeps a width."""


class StayLength(nn.Module):
    """`support` [4, J] days; `interval` [2]: conformal quantiles of (log days - mean) / spread, fitted held-out."""

    support: Tensor
    interval: Tensor

    def __init__(self, points: int = 8) -> None:
        super().__init__()
        self.register_buffer("support", torch.ones(BINS, points, dtype=torch.float64))
        self.register_buffer(
            "interval", torch.tensor([-1.2816, 1.2816], dtype=torch.float64)
        )  # normal, until fitted

    def weights(self, beyond: Tensor, passed: Tensor) -> Tensor:
        """P(> 3), P(> 7), P(> 14) [R, 3] and days passed [R] -> weight of every support day [R, 4 * J], sum 1."""
        beyond = beyond.cummin(1).values
        ones, zeros = torch.ones_like(beyond[:, :1]), torch.zeros_like(beyond[:, :1])
        bins = torch.cat([ones, beyond], 1) - torch.cat([beyond, zeros], 1)
        weight = (bins / self.support.shape[1]).repeat_interleave(self.support.shape[1], 1)
        here = (self.support.flatten() + 1 - passed.unsqueeze(1)).clamp(0, 1)
        here[:, -1] = 1.0  # somebody is always the last to leave
        weight = (weight + 1e-9) * here
        return weight / weight.sum(1, keepdim=True)

    def log_moments(self, weight: Tensor, passed: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and spread of log days [R]."""
        days = self._days(passed).log()
        mean = (weight * days).sum(1)
        variance = (weight * (days - mean.unsqueeze(1)) ** 2).sum(1)
        return mean, (variance + SPREAD_FLOOR**2).sqrt()

    def forward(self, beyond: Tensor, passed: Tensor) -> dict[str, Tensor]:
        """The published columns on length of stay, each [R]."""
        weight = self.weights(beyond, passed)
        expected = (weight * self._days(passed)).sum(1)
        mean, spread = self.log_moments(weight, passed)
        low, high = ((mean + quantile * spread).exp() for quantile in self.interval)
        longer = weight @ (self.support.flatten().unsqueeze(1) > torch.tensor(LOS_EDGES)).double()
        columns = {f"p_los_gt_{edge:.0f}": longer[:, i].clamp(0, 1) for i, edge in enumerate(LOS_EDGES)}
        columns["los_days"] = expected
        columns["los_days_lo"] = torch.maximum(torch.minimum(low, expected), passed)
        columns["los_days_hi"] = torch.maximum(high, expected)
        return columns

    def _days(self, passed: Tensor) -> Tensor:
        """Support days, none below the days passed: [R, 4 * J]."""
        return torch.maximum(self.support.flatten(), passed.unsqueeze(1)).clamp(min=0.5)
