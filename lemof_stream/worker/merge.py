"""Takes the vital windows and EHR records of one partition in event-time order, waiting only as long as it pays.

Neither topic waits for the other in Kafka, and in a replay a second of delay is more than an hour of event time. So
the earlier head goes first while both queues hold something; when one is empty, the other's head waits a bounded time.
The order spares revisions, it never decides what is right: the runner's state is a function of the set of its inputs.
"""

from collections import deque
from dataclasses import dataclass
from math import nextafter
from typing import Final, Generic, TypeVar

T = TypeVar("T")

AT_ONCE: Final = float("-inf")
"""The event time of what has none (unreadable, a watermark): it is taken as soon as it is at the head."""

# A consumer that has read a topic to its end hears of the next record within one fetch; this is that and a margin.
VITALS_QUIET_S: Final = 0.2
# One window whose clock runs ahead would else wait for as long as the EHR feed lives. The longest honest wait is that
# for the EHR app to start and to catch up with one gap between windows.
LONGEST_WAIT: Final = 10
"""A window waits for a feed that makes progress at most this many times the idle time."""


def just_before(time: float) -> float:
    """How far a feed has come that shows something of this instant: more of it may follow."""
    return nextafter(time, AT_ONCE)


@dataclass(slots=True)
class _Wait:
    """A window that waits for the EHR feed."""

    since: float
    progress: float


class EventTimeMerge(Generic[T]):
    """Two queues, one partition. Event times are seconds, `now` is a monotonic clock in seconds."""

    def __init__(self, ehr_slack_s: float, idle_s: float) -> None:
        self._slack = ehr_slack_s
        self._idle = idle_s
        self._vitals: deque[tuple[float, T]] = deque()
        self._ehr: deque[tuple[float, T]] = deque()
        self._reached = AT_ONCE
        self._taken = AT_ONCE
        self._wait: _Wait | None = None
        self._idle_feed = False
        self._ahead = float("inf")
        self._quiet_since: float | None = None
        self._ehr_head_since: float | None = None

    @property
    def vitals_held(self) -> int:
        """Windows that have not been taken."""
        return len(self._vitals)

    @property
    def ehr_held(self) -> int:
        """EHR records that have not been taken."""
        return len(self._ehr)

    @property
    def ehr_watermark(self) -> float:
        """How far the EHR feed has come."""
        return self._reached

    def add_vitals(self, time: float, item: T) -> None:
        """Queue a window, in the topic's order."""
        self._vitals.append((time, item))
        self._quiet_since = None

    def add_ehr(self, time: float, item: T) -> None:
        """Queue an EHR record, in the topic's order."""
        self._ehr.append((time, item))

    def ehr_reached(self, time: float, now: float) -> None:
        """The EHR feed has come as far as `time`."""
        self._reached = max(self._reached, time)
        self._idle_feed = False
        if self._reached >= self._ahead:
            self._ahead = float("inf")
        if self._wait is not None:
            self._wait.progress = now

    def clock(self, *, vitals_at_end: bool) -> float:
        """How far the partition has come: everything up to then has been taken, as far as both feeds tell."""
        heads = [just_before(queue[0][0]) for queue in (self._vitals, self._ehr) if queue]
        quiet = vitals_at_end or self._vitals
        return min(self._reached, *heads, self._reached if quiet else just_before(self._taken))

    def take(self, limit: int, now: float, *, vitals_at_end: bool) -> list[T]:
        """What may be taken now, at most `limit` items. `vitals_at_end`: the topic holds no further windows yet."""
        if self._vitals or not vitals_at_end:
            self._quiet_since = None
        elif self._quiet_since is None:
            self._quiet_since = now
        taken: list[T] = []
        while len(taken) < limit and (queue := self._next(now)) is not None:
            if queue is self._ehr:
                taken.append(queue.popleft()[1])
                self._ehr_head_since = None
            else:
                self._take_vitals(taken, limit)
        return taken

    def _take_vitals(self, taken: list[T], limit: int) -> None:
        """Take the window at the head, and those behind it that need not wait any more than it does."""
        queue = self._vitals
        until = float("inf") if self._idle_feed else self._reached + self._slack
        if self._ehr:
            until = min(until, self._ehr[0][0])
        while True:
            time, item = queue.popleft()
            taken.append(item)
            self._taken = max(self._taken, time)
            if len(taken) == limit or not queue or queue[0][0] > until:
                return

    def _next(self, now: float) -> deque[tuple[float, T]] | None:
        """The queue whose head is next; None while that has to wait."""
        if self._ehr and self._ehr_has_waited(now):
            return self._ehr
        # At the same time the window goes first: a discharge closes its step, which may hold a window of that minute.
        if self._ehr and (not self._vitals or self._ehr[0][0] < self._vitals[0][0]):
            return self._ehr if self._vitals or self._may_pass_vitals(now) else None
        if self._vitals and not self._waits_for_ehr(self._vitals[0][0], now):
            self._wait = None
            return self._vitals
        return None

    def _ehr_has_waited(self, now: float) -> bool:
        """Whether the EHR head has waited for the idle time, as one of tomorrow would while windows keep coming.

        Each such record waits for itself: that later ones follow it at once would let a feed run ahead by days while
        the windows of a partition are caught up with, and make those late.
        """
        if self._ehr_head_since is None:
            self._ehr_head_since = now
        return now - self._ehr_head_since >= self._idle

    def _may_pass_vitals(self, now: float) -> bool:
        """Whether the EHR head goes although no window is there to compare it with."""
        if self._ehr[0][0] == AT_ONCE:
            return True
        return self._quiet_since is not None and now - self._quiet_since >= VITALS_QUIET_S

    def _waits_for_ehr(self, time: float, now: float) -> bool:
        if time <= self._reached + self._slack or self._idle_feed or time >= self._ahead:
            return False
        if self._wait is None:
            self._wait = _Wait(now, now)
        if now - self._wait.progress >= self._idle:
            self._idle_feed = True  # until it shows itself again: a feed that is down delays a ward once
            return False
        if now - self._wait.since >= LONGEST_WAIT * self._idle:
            self._ahead = time  # a clock that runs ahead: no later window from there waits either
            return False
        return True
