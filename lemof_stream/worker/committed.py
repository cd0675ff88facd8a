"""Where a partition goes on: what the group committed, held against what Kafka still keeps."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from lemof_stream.contracts.topics import EHR_FEATURES, VITALS
from lemof_stream.telemetry import get_logger

_log = get_logger(__name__)

_NOTE: Final = re.compile(r"replay_from=(\d+)(?: clock=(-?\d+))?( shadow)?")


@dataclass(frozen=True, slots=True)
class Note:
    """What is committed beside a partition's offset: the first window that has to be replayed, how far the event time
    of its stays has come (None: nowhere yet), and whether a shadow did it.
    """

    replay_from: int
    clock: datetime | None = None
    shadow: bool = False

    def text(self) -> str:
        """The note as the offset's metadata."""
        clock = "" if self.clock is None else f" clock={int(self.clock.timestamp())}"
        return f"replay_from={self.replay_from}{clock}{' shadow' if self.shadow else ''}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What `text` gave; None of anything else, as of offsets that were set by hand."""
        found = _NOTE.fullmatch(text)
        if found is None:
            return None
        clock = datetime.fromtimestamp(int(found[2]), UTC) if found[2] else None
        return cls(int(found[1]), clock, found[3] is not None)


@dataclass(frozen=True, slots=True)
class Resume:
    """Offsets to go on from, the first window that has to be replayed for it, and the time reached."""

    next_window: int
    next_feature: int
    replay_from: int
    clock: datetime | None


# A Kafka that is asked for a group for the first time creates a topic, and one that starts loads it: some seconds.
_COORDINATOR_S: Final = 20.0
_ASK_AGAIN_S: Final = 0.1


async def committed_offsets(
    admin: AIOKafkaAdminClient, group: str, places: list[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """What the group has committed; offset -1 where nothing.

    Raises:
        KafkaError: the group's coordinator does not answer within some seconds.
    """
    until = asyncio.get_running_loop().time() + _COORDINATOR_S
    while True:
        try:
            committed: dict[TopicPartition, OffsetAndMetadata]
            committed = await admin.list_consumer_group_offsets(group, partitions=places)
            if committed.keys() >= set(places):
                return committed
            # A coordinator that is moving answers without them and without an error.
            raise GroupCoordinatorNotAvailableError
        except KafkaError as error:
            if not error.retriable or asyncio.get_running_loop().time() > until:
                raise
            await asyncio.sleep(_ASK_AGAIN_S)


async def notes_of_runners(admin: AIOKafkaAdminClient, partition: int) -> list[Note]:
    """What every group of runners, shadows too, has noted of a partition.

    Raises:
        KafkaError: Kafka does not answer, or not for every group.
    """
    place = TopicPartition(VITALS, partition)
    groups = [group for group, *_ in await admin.list_consumer_groups()]
    committed = [(await committed_offsets(admin, group, [place]))[place] for group in groups]
    notes = [Note.parse(offset.metadata or "") for offset in committed if offset.offset >= 0]
    return [note for note in notes if note is not None]


async def resume_point(
    admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, group: str, partition: int
) -> Resume:
    """Read it from Kafka; to be asked after the partition's producer has started, which settles what is committed."""
    vitals, features = TopicPartition(VITALS, partition), TopicPartition(EHR_FEATURES, partition)
    both = [vitals, features]
    committed = await admin.list_consumer_group_offsets(group, partitions=both)
    if not committed.keys() >= set(
        both
    ):  # a coordinator that is moving answers without them and without an error
        raise GroupCoordinatorNotAvailableError
    oldest, ends = await consumer.beginning_offsets(both), await consumer.end_offsets(both)
    next_window, next_feature = (
        _kept(place, committed[place].offset, oldest[place], ends[place]) for place in both
    )
    # Without the note (offsets set by hand) all that is kept is replayed: more than enough, never too little.
    note = Note.parse(committed[vitals].metadata or "") or Note(oldest[vitals])
    replay_from = note.replay_from
    if replay_from < oldest[vitals]:
        _log.error(
            "windows since the last snapshots are no longer kept: their stays go on from the snapshots",
            partition=partition,
            windows=oldest[vitals] - replay_from,
        )
    first = min(max(replay_from, oldest[vitals]), next_window)
    return Resume(next_window, next_feature, first, note.clock)


def _kept(place: TopicPartition, offset: int, oldest: int, end: int) -> int:
    if offset < 0:  # never committed
        return oldest
    if oldest <= offset <= end:
        return offset
    facts: dict[str, Any] = {"topic": place.topic, "partition": place.partition}
    _log.error(
        "the committed offset is no longer kept: going on from the oldest record that is; the ledger shows the gap",
        committed=offset,
        oldest=oldest,
        **facts,
    )
    return oldest
