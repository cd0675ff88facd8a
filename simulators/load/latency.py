"""A latency histogram in the manner of HdrHistogram: buckets of a constant relative width, which can be added up.

The idea is Gil Tene's (hdrhistogram.org): memory does not depend on how much is recorded, and any percentile is known
to the same relative error. Ours has logarithmic buckets, found for a whole array at once.
"""

import math
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel

_LOWEST_MS: Final = 0.01  # far below what a network answers in
_HIGHEST_MS: Final = 1e6  # a quarter of an hour
_GROWTH: Final = 1.01
RELATIVE_ERROR: Final = math.sqrt(_GROWTH) - 1
"""Of a percentile, at most: half the width of a bucket."""
_BUCKETS: Final = math.ceil(math.log(_HIGHEST_MS / _LOWEST_MS) / math.log(_GROWTH))
_NEVER: Final = _BUCKETS
"""The last place of the counts: what was given up."""


class Bucket(BaseModel):
    """So many latencies of at most `upto_ms`, and more than the bucket before; None: that were never answered."""

    upto_ms: float | None
    count: int


class LatencyHistogram:
    """Counts of latencies. `counts` [buckets + 1]."""

    def __init__(self, counts: NDArray[np.int64] | None = None) -> None:
        self.counts = np.zeros(_BUCKETS + 1, np.int64) if counts is None else counts

    @classmethod
    def of(cls, latency_ms: ArrayLike) -> Self:
        """Of these, in milliseconds; NaN is what was never answered."""
        values = np.asarray(latency_ms, np.float64)
        answered = np.clip(values[~np.isnan(values)], _LOWEST_MS, _HIGHEST_MS)
        place = np.floor(np.log(answered / _LOWEST_MS) / math.log(_GROWTH)).astype(np.int64)
        counts = np.bincount(np.minimum(place, _BUCKETS - 1), minlength=_BUCKETS + 1)
        counts[_NEVER] = np.isnan(values).sum()
        return cls(counts)

    @classmethod
    def from_buckets(cls, buckets: list[Bucket]) -> Self:
        """What `buckets` gave."""
        found = cls()
        for bucket in buckets:
            if bucket.upto_ms is None:
                found.counts[_NEVER] = bucket.count
            else:
                found.counts[round(math.log(bucket.upto_ms / _LOWEST_MS) / math.log(_GROWTH)) - 1] = (
                    bucket.count
                )
        return found

    def __add__(self, other: Self) -> Self:
        return type(self)(self.counts + other.counts)

    @property
    def count(self) -> int:
        """All, those that were never answered included."""
        return int(self.counts.sum())

    @property
    def never(self) -> int:
        """Those that were never answered."""
        return int(self.counts[_NEVER])

    def percentile(self, q: float) -> float:
        """Milliseconds that `q` percent took at most; infinite where that many were not answered, NaN of none."""
        if not self.count:
            return math.nan
        rank = max(math.ceil(q / 100 * self.count), 1)
        place = int(np.searchsorted(np.cumsum(self.counts), rank))
        return math.inf if place == _NEVER else _LOWEST_MS * _GROWTH ** (place + 0.5)

    def buckets(self) -> list[Bucket]:
        """Those that hold something."""
        return [
            Bucket(
                upto_ms=None if place == _NEVER else _LOWEST_MS * _GROWTH ** (place + 1),
                count=int(self.counts[place]),
            )
            for place in np.flatnonzero(self.counts).tolist()
        ]
