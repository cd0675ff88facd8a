"""What has flowed since the last line of the log about it."""

import time
from collections.abc import Sequence
from typing import Final

from lemof_stream.telemetry import get_logger
from lemof_stream.worker.cycle import LaneWork

_log = get_logger(__name__)

_EVERY_S: Final = 10.0


class Progress:
    """Counts what was committed, and logs it now and then while anything flows."""

    def __init__(self) -> None:
        self._reset(time.monotonic())

    def note(self, works: Sequence[LaneWork], seconds: float) -> None:
        """A cycle's works have been committed."""
        if works:
            self._cycles += 1
            self._busy_s += seconds
            self._windows += sum(work.counts.total() for work in works)
            self._predictions += sum(work.kinds.total() for work in works)

    def tell(self) -> None:
        """Log what has flowed, if anything has and the last line is some seconds old."""
        now = time.monotonic()
        if not self._cycles or now - self._since < _EVERY_S:
            return
        _log.info(
            "progress",
            windows=self._windows,
            predictions=self._predictions,
            cycles=self._cycles,
            cycle_ms=round(1000 * self._busy_s / self._cycles, 1),
        )
        self._reset(now)

    def _reset(self, now: float) -> None:
        self._since = now
        self._windows = self._predictions = self._cycles = 0
        self._busy_s = 0.0
