"""How many records a cycle takes: few while they are few or cost much, many once a backlog is there."""

from typing import Final

# With a transaction of 25 ms a cycle, more than this many adds little where every record is of another stay.
_FIRST: Final = 2_000
# The first window of a stay that is days old commits every step until then, some 5 ms: so few take a second.
_LEAST: Final = 250
# A backlog is worked off the faster the more of a stay's windows share a prediction, and nobody waits for what is late
# already; but a request to stop waits for the end of the cycle. So a cycle takes between these.
_QUICK_S: Final = 2.0
_LONG_S: Final = 4.0


class CycleSize:
    """The most records of the next cycle, never more than `most`: doubled while full cycles are quick, halved when one
    was long.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = min(_FIRST, most)

    def took(self, records: int, seconds: float) -> None:
        """A cycle of so many records was computed in so many seconds."""
        if seconds > _LONG_S:
            self.limit = max(self.limit // 2, min(_LEAST, self._most))
        elif records >= self.limit and seconds < _QUICK_S:
            self.limit = min(2 * self.limit, self._most)
