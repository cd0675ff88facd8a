"""Memory of a worker by the number of beds it knows, and what one more bed costs."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import psutil

from lemof_stream.worker.bench.admit import admit
from lemof_stream.worker.bench.beds import Beds
from lemof_stream.worker.bench.child import Child, engine
from lemof_stream.worker.bench.kafka import PARTITIONS, fresh_kafka

_ROOM: Final = 1.5  # of what the beds need: the slab is copied when it grows


def memory(count: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Resident bytes at a tenth of the beds, at all, and at five times as many where the machine has room for them."""
    with fresh_kafka() as (brokers, folder), engine(folder, brokers) as child:
        by_beds: dict[int, int] = {}
        for beds in (max(count // 10, 1), count):
            _know(brokers, beds, by_beds, child, tell)
        if 5 * count * _slope(by_beds) * _ROOM < psutil.virtual_memory().available:
            _know(brokers, 5 * count, by_beds, child, tell)
        else:
            tell(f"memory: {5 * count:,} beds would not fit into this machine")
    return {
        "bytes_per_bed": round(_slope(by_beds)),
        "memory_bytes": {str(beds): resident for beds, resident in by_beds.items()},
    }


def _know(
    brokers: str, beds: int, by_beds: dict[int, int], child: Child, tell: Callable[[str], None]
) -> None:
    """Make so many beds known, and note the memory then."""
    tell(f"memory: {beds:,} beds")
    known = max(by_beds, default=0)
    asyncio.run(admit(brokers, Beds(beds, PARTITIONS), child, known))
    by_beds[beds] = child.resident()


def _slope(by_beds: dict[int, int]) -> float:
    """Bytes of one more bed: the line of least squares through what was seen."""
    return float(np.polyfit(list(by_beds), list(by_beds.values()), 1)[0])
