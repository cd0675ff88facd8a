"""Memory of a worker by the number of beds it knows, what one more bed costs, and what an hour of theirs adds."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import numpy as np
import psutil

from lemof_stream.contracts.topics import VITALS
from lemof_stream.worker.bench.admit import admit
from lemof_stream.worker.bench.beds import WINDOW, Beds
from lemof_stream.worker.bench.child import ENGINE_GROUP, Child, engine
from lemof_stream.worker.bench.kafka import PARTITIONS, feed, fresh_kafka
from lemof_stream.worker.bench.pace import until_committed

_ROOM: Final = 1.3  # of what the beds need: the states of the model are copied when the slab grows
_QUARTER_MIN: Final = 15
_QUARTERS: Final = 6
"""Two to warm up (buffers of Kafka's clients, garbage that is not looked for yet), and an hour."""
_TURNS: Final = timedelta(minutes=_QUARTER_MIN) // WINDOW
"""Windows of a bed in a quarter of an hour."""


def soak(count: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Resident bytes of a worker after each quarter of an hour of event time: a window a minute of every bed."""
    with fresh_kafka() as (brokers, folder), engine(folder, brokers) as child:
        ward = Beds(count, PARTITIONS)
        asyncio.run(admit(brokers, ward, child))
        by_minute: dict[str, int] = {}
        for quarter in range(1, _QUARTERS + 1):
            tell(f"soak: {count:,} beds, quarter {quarter} of {_QUARTERS}")
            asyncio.run(_pass_quarter(brokers, ward, quarter, child))
            by_minute[str(quarter * _QUARTER_MIN)] = child.resident()
    return {"soak_beds": count, "soak_bytes": by_minute}


async def _pass_quarter(brokers: str, ward: Beds, quarter: int, child: Child) -> None:
    """Send the windows of a quarter, and wait until the engine has all since the first behind it."""
    await feed(brokers, VITALS, (sent.record for sent in ward.windows(ward.count * _TURNS)))
    await until_committed(brokers, ENGINE_GROUP, ward.count * _TURNS * quarter, child)


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
