"""Where in its timeline a playing is by the wall clock."""

import time


class Tempo:
    """Turns wall time into seconds of the timeline. `speed` is a multiple of real time; None is as fast as possible."""

    def __init__(self, speed: float | None) -> None:
        self.speed = speed
        self.paused = False
        self._from_s, self._since = 0.0, time.monotonic()

    def now_s(self) -> float:
        """The second up to which everything is due; without end where there is no speed to keep to."""
        if self.paused:
            return self._from_s
        if self.speed is None:
            return float("inf")
        return self._from_s + (time.monotonic() - self._since) * self.speed

    def wait_s(self, at_s: float) -> float:
        """Wall seconds until a second of the timeline is due, at most 0 where it is; without end while paused."""
        now_s = self.now_s()
        if at_s <= now_s:
            return 0.0
        return float("inf") if self.paused or self.speed is None else (at_s - now_s) / self.speed

    def go_on_from(self, at_s: float) -> None:
        """Be at this second of the timeline now."""
        self._from_s, self._since = at_s, time.monotonic()
