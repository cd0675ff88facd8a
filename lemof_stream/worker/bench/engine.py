"""Everything that `lemof bench engine` measures, in one run on one machine."""

import json
from collections.abc import Callable
from typing import Any, Final

from lemof_stream.worker.bench.memory import memory, soak
from lemof_stream.worker.bench.responses import USUAL_BEDS, latencies
from lemof_stream.worker.bench.throughput import require_rivals, throughput

BEDS: Final = 10_000
SECONDS: Final = 20.0
"""Of each measurement: hundreds of cycles, and of 200 windows a second 40 beyond the 99th percentile."""


def measure(beds: int, seconds: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """The figures; `tell` hears what is measured next, and what was found, lest a failure later on lose it.

    Raises:
        LemofError: something that is needed is not there, or a process that is measured ended.
    """
    require_rivals()
    stages: tuple[Callable[[], dict[str, Any]], ...] = (
        lambda: throughput(beds, seconds, tell),
        lambda: latencies(beds, seconds, tell),
        lambda: memory(beds, tell),
        lambda: soak(min(beds, USUAL_BEDS), tell),
    )
    figures: dict[str, Any] = {"beds": beds, "seconds": seconds}
    for stage in stages:
        found = stage()
        tell(f"found: {json.dumps(found)}")
        figures |= found
    return figures
