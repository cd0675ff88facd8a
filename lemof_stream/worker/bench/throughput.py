"""Windows a second of the engine and of what it is held against, one after the other over the same messages."""

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from lemof_stream.contracts.topics import EHR_FEATURES, PREDICTIONS, VITALS
from lemof_stream.errors import ConfigError, LemofError
from lemof_stream.worker.bench import copy
from lemof_stream.worker.bench.beds import Beds
from lemof_stream.worker.bench.child import ENGINE_CYCLE, ENGINE_GROUP, engine, rival
from lemof_stream.worker.bench.kafka import PARTITIONS, create, feed, fresh_kafka
from lemof_stream.worker.bench.pace import Pace, pace

_FASTEST: Final = 50_000
"""Windows are made ahead for an engine of so many a second; a faster one is measured for less time."""
_CYCLES: Final = 3
"""Windows are made for so many of the engine's largest at least: a pace is that between two commits."""
_WARM_TURNS: Final = 40
"""Windows of each bed that are not counted: at the first, its stay is made and its steps so far are committed; behind
the 40th of 10,000 beds a partition has taken as many windows as may lie outside snapshots, which are due from then on.
Of fewer beds they are due later, and so seldom that they hardly count.
"""
_TRIES: Final = 3
"""Faust at times joins its group and then reads nothing; started anew it does."""
_RIVALS: Final = {"faust": "faust_rival", "quix": "quix_rival"}


def require_rivals() -> None:
    """See that what is compared is installed.

    Raises:
        ConfigError: it is not.
    """
    if find_spec("quixstreams") is None:
        raise ConfigError(
            "The benchmark runs Quix Streams beside the engine, which is not installed here: set up the development "
            "tools with `make setup`, which installs the pinned version."
        )


def throughput(count: int, seconds: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """The figures; each of who is measured has the machine, but for Kafka, to itself."""
    with fresh_kafka() as (brokers, folder):
        tell(f"{count:,} beds: making the windows")
        asyncio.run(_prepare(brokers, count, seconds))
        found: dict[str, Pace] = {}
        warm = _WARM_TURNS * count
        tell("throughput: the engine")
        with engine(folder, brokers) as child:
            found["engine"] = asyncio.run(pace(brokers, ENGINE_GROUP, warm, seconds, child, PREDICTIONS))
        tell("throughput: a bare copy")
        with rival(folder, "copy", brokers) as child:
            found["bare_copy"] = asyncio.run(pace(brokers, copy.GROUP, warm, seconds, child))
        for name, module in _RIVALS.items():
            tell(f"throughput: {name}")
            found[name] = _rival(folder, module, brokers, seconds, tell)
    return _figures(found)


async def _prepare(brokers: str, count: int, seconds: float) -> None:
    beds = Beds(count, PARTITIONS)
    await feed(brokers, EHR_FEATURES, beds.admissions())
    windows = _WARM_TURNS * count + max(round(_FASTEST * seconds), _CYCLES * ENGINE_CYCLE)
    await feed(brokers, VITALS, (sent.record for sent in beds.windows(windows)))
    for topic in (copy.TOPIC, *(f"bench.{name}" for name in _RIVALS)):
        await create(brokers, topic)


def _rival(folder: Path, module: str, brokers: str, seconds: float, tell: Callable[[str], None]) -> Pace:
    """From its first commit on, as it would take minutes until all beds are known: to it each is as good as any.

    Raises:
        LemofError: it committed nothing, however often it was started.
    """
    for _ in range(_TRIES - 1):
        try:
            return _pace_of(folder, module, brokers, seconds)
        except LemofError as error:
            tell(f"{error} It is started anew.")
    return _pace_of(folder, module, brokers, seconds)


def _pace_of(folder: Path, module: str, brokers: str, seconds: float) -> Pace:
    with rival(folder, module, brokers) as child:
        return asyncio.run(pace(brokers, f"bench-{module.removesuffix('_rival')}", 0, seconds, child))


def _figures(found: dict[str, Pace]) -> dict[str, Any]:
    own = found["engine"].per_s
    return {
        "windows_per_s": round(own),
        "windows_a_prediction": round(found["engine"].windows / max(found["engine"].published, 1), 2),
        "bare_copy_windows_per_s": round(found["bare_copy"].per_s),
        "ratio_bare_copy": round(own / found["bare_copy"].per_s, 3),
        "faust_windows_per_s": round(found["faust"].per_s, 1),
        "quix_windows_per_s": round(found["quix"].per_s, 1),
        "ratio_faust": round(own / found["faust"].per_s, 1),
        "ratio_quix": round(own / found["quix"].per_s, 1),
        "measured": {
            name: {"windows": own.windows, "seconds": round(own.seconds, 2)} for name, own in found.items()
        },
        "guarantees": {
            "engine": "exactly once",
            "bare_copy": "exactly once",
            "faust": "at least once",
            "quix": "exactly once",
        },
    }
