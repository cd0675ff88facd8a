"""One input partition in the hands of this process: its producer, what waits to be taken, how far it has come."""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from time import monotonic
from typing import Final

from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from lemof_stream.contracts.topics import EHR_FEATURES, PREDICTIONS, SHADOW_PREDICTIONS, VITALS
from lemof_stream.settings import Settings
from lemof_stream.worker.arrivals import Arrival, read_arrival
from lemof_stream.worker.merge import AT_ONCE, EventTimeMerge

# Vital windows are kept for days, and a slow ward takes weeks to send `snapshot_every` of them: a stay is also
# snapshotted when its oldest window outside a snapshot was taken this long ago.
_SNAPSHOT_AGE_S: Final = 3600.0
# Steps and the limits of silence are counted in minutes, and to look at every stay costs a millisecond a thousand.
_MINUTE_S: Final = 60.0
# Stays that were admitted together fall due together: a transaction carries this many, or one for so many inputs, and
# leaves the rest to the next. With 2,500 stays in a partition one is due for every 40 windows.
_SNAPSHOTS_AT_ONCE: Final = 32
_INPUTS_A_SNAPSHOT: Final = 10


class Lane:
    """A partition of both input topics.

    `next_window` and `next_feature` are the offsets behind what was taken: what the next transaction commits.
    `clock`: the event time, in whole minutes, that its stays have been brought to; None before the first. `overrun`:
    Kafka has deleted what would have been fetched next. `last_window`: the event time of the last window that was
    predicted. `predictions`: the topic that its predictions go to, another one for a `shadow`. `reached`: by topic, the
    offset behind what was received. `committed`: the offsets of windows and features that were last committed, or are
    about to be.
    """

    def __init__(
        self,
        partition: int,
        producer: AIOKafkaProducer,
        settings: Settings,
        *,
        partitions: int,
        next_window: int,
        next_feature: int,
        clock: datetime | None = None,
    ) -> None:
        self.partition = partition
        self.producer = producer
        self.next_window = next_window
        self.next_feature = next_feature
        self.clock = clock
        self.shadow = settings.shadow
        self.predictions = SHADOW_PREDICTIONS if settings.shadow else PREDICTIONS
        self.overrun = False
        self.last_window = AT_ONCE
        self._last_offset = -1
        self.committed = (next_window, next_feature)
        self.reached = {VITALS: next_window, EHR_FEATURES: next_feature}
        self._partitions = partitions
        self._snapshot_every = settings.snapshot_every
        self._unread: deque[ConsumerRecord] = deque()
        self._merge: EventTimeMerge[Arrival] = EventTimeMerge(settings.ehr_slack_s, settings.idle_ms / 1000)
        self._loose: dict[str, tuple[int, float]] = {}
        self._newest = -1
        self._in_order = True

    def receive(self, records: Sequence[ConsumerRecord]) -> None:
        """Queue what a fetch brought of one topic. Windows are read when it is their turn: read, each takes three times
        the memory, and a fetch may bring more than a cycle takes.
        """
        if not records:
            return
        self.reached[records[-1].topic] = records[-1].offset + 1
        if records[0].topic == VITALS:
            self._unread.extend(records)
            return
        now = monotonic()
        for record in records:
            arrival = read_arrival(record, self._partitions)
            self._merge.add_ehr(arrival.time, arrival)
            self._merge.ehr_reached(arrival.progress, now)

    def _read(self, windows: int) -> None:
        """Have so many windows ready to be taken, as far as there are any."""
        unread, partitions, add = self._unread, self._partitions, self._merge.add_vitals
        for _ in range(min(windows - self._merge.vitals_held, len(unread))):
            arrival = read_arrival(unread.popleft(), partitions)
            add(arrival.time, arrival)

    @property
    def places(self) -> tuple[TopicPartition, TopicPartition]:
        """The partition of both topics, that of the windows first."""
        return TopicPartition(VITALS, self.partition), TopicPartition(EHR_FEATURES, self.partition)

    def ehr_reached(self, time: float) -> None:
        """The EHR feed had come as far as `time` before this lane was opened."""
        self._merge.ehr_reached(time, monotonic())

    def take(self, limit: int, *, vitals_at_end: bool) -> list[Arrival]:
        """What may be taken now, at most `limit`; the lane's offsets move past it."""
        self._read(limit)
        taken = self._merge.take(limit, monotonic(), vitals_at_end=vitals_at_end)
        for arrival in taken:
            if arrival.is_window:
                self.next_window = arrival.record.offset + 1
            else:
                self.next_feature = arrival.record.offset + 1
        return taken

    def tick(self, *, vitals_at_end: bool) -> datetime | None:
        """The time that the lane's stays are to be brought to; None while it has not moved on."""
        self._read(1)  # so that what waits unread holds the clock back
        reached = self._merge.clock(vitals_at_end=vitals_at_end)
        if reached == AT_ONCE:
            return None
        now = datetime.fromtimestamp(reached // _MINUTE_S * _MINUTE_S, UTC)
        if self.clock is not None and now <= self.clock:
            return None
        self.clock = now
        return now

    @property
    def holds(self) -> bool:
        """Whether anything waits to be taken."""
        return self.held(VITALS) + self.held(EHR_FEATURES) > 0

    def held(self, topic: str) -> int:
        """Records of this topic that wait to be taken."""
        return len(self._unread) + self._merge.vitals_held if topic == VITALS else self._merge.ehr_held

    @property
    def ehr_watermark(self) -> float:
        """The event time that the EHR feed has reached."""
        return self._merge.ehr_watermark

    @property
    def replay_from(self) -> int:
        """The oldest window that no snapshot holds: where the next owner has to begin to read."""
        return next((offset for offset, _ in self._oldest_first().values()), self.next_window)

    def predicted(self, stay_id: str, offset: int, time: float) -> None:
        """A window of the stay was predicted; one that waited for room after others behind it."""
        self.loosen(stay_id, offset)
        if offset > self._last_offset:
            self._last_offset, self.last_window = offset, time

    def loosen(self, stay_id: str, offset: int) -> None:
        """A window of the stay was taken that its snapshot does not hold."""
        if stay_id not in self._loose:
            self._in_order = self._in_order and offset > self._newest
            self._newest = max(self._newest, offset)
            self._loose[stay_id] = (offset, monotonic())

    def _oldest_first(self) -> dict[str, tuple[int, float]]:
        """The loose stays by their offsets: a window that waited for room is loosened after others behind it."""
        if not self._in_order:
            self._loose = dict(sorted(self._loose.items(), key=itemgetter(1)))
            self._in_order = True
        return self._loose

    def forget(self, stay_id: str) -> None:
        """The stay has left: no snapshot of it is due any more."""
        self._loose.pop(stay_id, None)

    def fasten(self, inputs: int) -> list[str]:
        """The stays that are due for a snapshot, which is taken for granted from here on. `inputs`: of the cycle."""
        behind, before = self.next_window - self._snapshot_every, monotonic() - _SNAPSHOT_AGE_S
        most = max(_SNAPSHOTS_AT_ONCE, inputs // _INPUTS_A_SNAPSHOT)
        due = [
            stay_id
            for stay_id, (offset, at) in islice(self._oldest_first().items(), most)
            if offset < behind or at < before
        ]
        for stay_id in due:
            del self._loose[stay_id]
        return due

    def fasten_oldest(self) -> str | None:
        """The stay whose windows have been outside its snapshot for longest, due or not; taken for granted as well."""
        oldest = next(iter(self._oldest_first()), None)
        if oldest is not None:
            del self._loose[oldest]
        return oldest
