"""What a recording gives to be sent, and how it is sent: late, twice, or not at all.

Shapes: S stays, M messages.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from lemof_stream.contracts.message import Identifier
from lemof_stream.errors import ConfigError, DataError
from simulators.timeline import Moment, StayMessage, Timeline

ORIGIN: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""The admission of the first replayed stay: clearly no real date, and the same in every replay."""
_KEY: Final = TypeAdapter(Identifier)


class Feed(Protocol):
    """The messages of a recording in event-time order, each built when it is due."""

    stay_ids: tuple[str, ...]
    """[S]"""
    at_s: NDArray[np.float64]
    """[M] event time, in seconds since `ORIGIN`."""
    stay: NDArray[np.int64]
    """[M] row of the stay."""
    window: NDArray[np.bool_]
    """[M] whether it is of a monitor; the others are of the EHR."""

    def build(self, index: NDArray[np.int64]) -> list[StayMessage]:
        """The messages at these places; fewer, where a monitor has nothing to tell."""


def chosen(stay_ids: Sequence[str], named: Sequence[str], first: int | None) -> list[int]:
    """The rows of the stays that are named (all, where none is), of these the first few.

    Raises:
        ConfigError: a named stay is not among them.
    """
    rows = {stay_id: row for row, stay_id in enumerate(stay_ids)}
    for stay_id in named:
        if stay_id not in rows:
            raise ConfigError(
                f"The stay {stay_id} is not among the {len(rows)} stays that were read; check --stay."
            )
    return sorted({rows[stay_id] for stay_id in named} or rows.values())[:first]


def timeline_of(
    feed: Feed,
    *,
    disorder_s: float = 0.0,
    duplicates: float = 0.0,
    gaps: float = 0.0,
    gap_min: int = 60,
    seed: int = 0,
) -> Timeline:
    """The messages of a feed in the order in which they are sent.

    With `disorder_s` each is held back by a random time of up to that many seconds of event time; `duplicates` is
    the share of messages that are sent twice, the second time with a delay of its own; `gaps` is the share of each
    stay's monitoring that is left out, in stretches of `gap_min` minutes. The same seed draws the same.

    Raises:
        DataError: a stay's name cannot be a message's key.
    """
    _require_keys(feed.stay_ids)
    random = np.random.default_rng(seed)
    places = np.arange(len(feed.at_s))
    again = random.random(len(places)) < duplicates
    kept = ~_missed(feed, gaps, gap_min * 60.0, seed)
    picked = np.concatenate([places[kept], places[kept & again]])
    at_s = feed.at_s[picked] + random.uniform(0.0, disorder_s, len(picked))
    order = np.argsort(at_s, kind="stable")
    picked, at_s = picked[order], at_s[order]

    def moments_from(second: float) -> Iterator[Moment]:
        first = int(np.searchsorted(at_s, np.floor(second)))
        return _moments(feed, picked[first:], at_s[first:])

    return Timeline(
        origin=ORIGIN,
        end_s=float(feed.at_s.max()),
        disorder_s=disorder_s,
        messages=len(picked),
        moments=moments_from(0.0),
        moments_from=moments_from,
    )


def _require_keys(stay_ids: Sequence[str]) -> None:
    for stay_id in stay_ids:
        try:
            _KEY.validate_python(stay_id)
        except ValidationError:
            raise DataError(
                f"The stay {stay_id!r} cannot be sent, as message keys hold neither blanks nor |, and at most 128 "
                "characters: rename its file or record."
            ) from None


def _moments(feed: Feed, index: NDArray[np.int64], at_s: NDArray[np.float64]) -> Iterator[Moment]:
    """One moment for all that is due within a second."""
    second = np.floor(at_s)
    for start, stop in pairwise([*np.flatnonzero(np.diff(second, prepend=-1.0)), len(index)]):
        yield Moment(float(at_s[stop - 1]), feed.build(index[start:stop]))


def _missed(feed: Feed, share: float, length_s: float, seed: int) -> NDArray[np.bool_]:
    """[M] the windows that lie in a gap. A stay's gaps do not depend on which other stays are replayed."""
    missed = np.zeros(len(feed.at_s), np.bool_)
    if share == 0:
        return missed
    windows = np.flatnonzero(feed.window)
    windows = windows[np.argsort(feed.stay[windows], kind="stable")]
    bounds = np.searchsorted(feed.stay[windows], np.arange(len(feed.stay_ids) + 1))
    for stay_id, (start, stop) in zip(feed.stay_ids, pairwise(bounds), strict=True):
        own = windows[start:stop]
        if len(own):
            random = np.random.default_rng([seed, crc32(stay_id.encode())])
            since_s = feed.at_s[own] - feed.at_s[own[0]] + random.uniform(0.0, length_s)
            stretch = (since_s // length_s).astype(np.int64)
            missed[own] = (random.random(int(stretch[-1]) + 1) < share)[stretch]
    return missed
