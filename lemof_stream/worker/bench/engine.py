"""Everything that `lemof bench engine` measures, in one run on one machine."""

from collections.abc import Callable
from typing import Any, Final

from lemof_stream.worker.bench.memory import memory, soak
from lemof_stream.worker.bench.responses import USUAL_BEDS, latencies
from lemof_stream.worker.bench.throughput import require_rivals, throughput

BEDS: Final = 10_000
SECONDS: Final = 20.0
"""Of each measurement: hundreds of cycles, and of 200 windows a second 40 beyond the 99th percentile."""


def measure(beds: int, seconds: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """The figures; `tell` hears what is measured next.

    Raises:
        LemofError: something that is needed is not there, or a process that is measured ended.
    """
    require_rivals()
    return {
        "beds": beds,
        "seconds": seconds,
        **throughput(beds, seconds, tell),
        **latencies(beds, seconds, tell),
        **memory(beds, tell),
        **soak(min(beds, USUAL_BEDS), tell),
    }
