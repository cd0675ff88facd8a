"""The latencies that are reported: at a usual load under both guarantees, and the curve up to saturation."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from lemof_stream.worker.bench.admit import admit
from lemof_stream.worker.bench.beds import Beds
from lemof_stream.worker.bench.child import Child, engine
from lemof_stream.worker.bench.kafka import PARTITIONS, fresh_kafka
from lemof_stream.worker.bench.latency import Latency, latency

USUAL_BEDS: Final = 1_000
EVERY_S: Final = 5
"""The usual load: so many beds, each with a window in so many seconds."""
RATES: Final = (100, 1_000, 5_000, 10_000, 15_000, 20_000, 30_000)
"""Windows a second of the curve, which ends at the first that the engine cannot keep up with."""


def latencies(count: int, seconds: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """`latency_ms`, and the curve over all beds, exactly once."""
    usual = min(count, USUAL_BEDS)
    with fresh_kafka() as (brokers, folder), engine(folder, brokers, "at_least_once") as child:
        tell(f"latency: {usual:,} beds, at least once")
        at_least = asyncio.run(_usual(brokers, usual, seconds, child))
    with fresh_kafka() as (brokers, folder), engine(folder, brokers) as child:
        tell(f"latency: {usual:,} beds, exactly once")
        exactly = asyncio.run(_usual(brokers, usual, seconds, child))
    with fresh_kafka() as (brokers, folder), engine(folder, brokers) as child:
        curve = asyncio.run(_curve(brokers, count, seconds, child, tell))
    return {
        "latency_ms": {"exactly_once": _told(exactly), "at_least_once": _told(at_least)},
        "latency_beds": usual,
        "latency_curve": [_told(point) for point in curve],
    }


async def _usual(brokers: str, beds: int, seconds: float, child: Child) -> Latency:
    ward = Beds(beds, PARTITIONS)
    await admit(brokers, ward, child)
    return await latency(brokers, ward, beds / EVERY_S, seconds)


async def _curve(
    brokers: str, count: int, seconds: float, child: Child, tell: Callable[[str], None]
) -> list[Latency]:
    ward = Beds(count, PARTITIONS)
    await admit(brokers, ward, child)
    points: list[Latency] = []
    for rate in RATES:
        tell(f"latency: {count:,} beds, {rate:,} windows a second")
        points.append(await latency(brokers, ward, rate, seconds))
        child.check()
        if points[-1].saturated:
            break
    return points


def _told(found: Latency) -> dict[str, Any]:
    return {
        "windows_per_s": found.windows_per_s,
        "p50": found.p50,
        "p99": found.p99,
        "generator_late_ms": found.late_ms,
        "windows": found.counted,
        "missing": found.missing,
        "saturated": found.saturated,
    }
