"""A duration as a distribution, from the ordinal probabilities of exceeding its edges.

    R rows, J edges, P support points a bin; float64 throughout

Each of the J + 1 bins between the edges spreads its probability evenly over P points that halve, quarter, ... the
training durations of that bin. The distribution is conditioned on not being over yet: a support point x stands for
an end between x and x + 1 and fades out while that unit passes. Every step is continuous in the probabilities, with a
bounded slope, so that a rounding error of the network stays a rounding error.
"""

import torch
from torch import Tensor, nn

POINTS = 8
SPREAD_FLOOR = 0.1
"""Added to the distribution's spread of logarithms, so that the interval of a sure prediction keeps a width."""
SHORTEST = 0.5
"""Units (days, hours); no logarithm of less."""
MIDDLE = 0.3, 0.7
"""The quantiles between which `middle` averages: close to the median, which has the least absolute error, but with a
slope that stays bounded where the density is low."""


BAND_HOURS = 6.0, 12.0, 24.0
"""Hours since admission that part the intervals' bands: what is known, and so how far it errs, grows with the hours."""


class Duration(nn.Module):
    """`support` [J + 1, P]; `interval` [bands, 2]: conformal quantiles of (log duration - mean) / spread, fitted
    held-out for each band of hours.
    """

    support: Tensor
    interval: Tensor
    edges: Tensor

    def __init__(self, edges: tuple[float, ...]) -> None:
        super().__init__()
        double = torch.float64
        self.register_buffer("edges", torch.tensor(edges, dtype=double), persistent=False)
        self.register_buffer("support", torch.ones(len(edges) + 1, POINTS, dtype=double))
        normal = torch.tensor([-1.2816, 1.2816], dtype=double)  # until it is fitted
        self.register_buffer("interval", normal.repeat(len(BAND_HOURS) + 1, 1))

    def weights(self, beyond: Tensor, passed: Tensor) -> Tensor:
        """P(> edge) [R, J] and the duration passed [R] -> weight of every support point [R, (J + 1) * P], sum 1."""
        beyond = beyond.cummin(1).values
        ones, zeros = torch.ones_like(beyond[:, :1]), torch.zeros_like(beyond[:, :1])
        bins = torch.cat([ones, beyond], 1) - torch.cat([beyond, zeros], 1)
        weight = (bins / POINTS).repeat_interleave(POINTS, 1)
        here = (self.support.flatten() + 1 - passed.unsqueeze(1)).clamp(0, 1)
        here[:, -1] = 1.0  # somebody is always the last to leave
        weight = (weight + 1e-9) * here
        return weight / weight.sum(1, keepdim=True)

    def beyond(self, weight: Tensor) -> Tensor:
        """The conditioned probability of exceeding each edge: [R, J]."""
        longer = (self.support.flatten().unsqueeze(1) > self.edges).double()
        return (weight @ longer).clamp(0, 1)

    def expected(self, weight: Tensor, passed: Tensor) -> Tensor:
        """The mean [R]."""
        return (weight * self._points(passed)).sum(1)

    def middle(self, weight: Tensor, passed: Tensor) -> Tensor:
        """The mean of what lies between the quantiles `MIDDLE`: [R]."""
        low, high = MIDDLE
        upto = weight.cumsum(1)
        inside = (upto.clamp(max=high) - (upto - weight).clamp(min=low)).clamp(min=0)
        return (inside * self._points(passed)).sum(1) / (high - low)

    def log_moments(self, weight: Tensor, passed: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and spread of the logarithm [R]."""
        # Logarithms of support and rows apart, then the larger: a fiftieth of those of every pair, and the same.
        logs = torch.maximum(self.support.flatten().log(), passed.clamp(min=SHORTEST).log().unsqueeze(1))
        mean = (weight * logs).sum(1)
        variance = (weight * (logs - mean.unsqueeze(1)) ** 2).sum(1)
        return mean, (variance + SPREAD_FLOOR**2).sqrt()

    def band(self, hours: Tensor) -> Tensor:
        """Which band hours since admission [R] lie in: [R]."""
        return torch.bucketize(hours, torch.tensor(BAND_HOURS, dtype=hours.dtype))

    def bounds(self, weight: Tensor, passed: Tensor, hours: Tensor, point: Tensor) -> tuple[Tensor, Tensor]:
        """The 80% interval [R], [R] around a point prediction [R]."""
        mean, spread = self.log_moments(weight, passed)
        quantiles = self.interval[self.band(hours)].unbind(1)
        low, high = ((mean + quantile * spread).exp() for quantile in quantiles)
        return torch.maximum(torch.minimum(low, point), passed), torch.maximum(high, point)

    def _points(self, passed: Tensor) -> Tensor:
        """Support points, none below what has passed: [R, (J + 1) * P]."""
        return torch.maximum(self.support.flatten(), passed.unsqueeze(1)).clamp(min=SHORTEST)
