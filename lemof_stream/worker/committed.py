"""Where a partition goes on: what the group committed, held against what Kafka still keeps."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from lemof_stream.contracts.topics import EHR_FEATURES, VITALS
from lemof_stream.telemetry import get_logger

_log = get_logger(__name__)

_REPLAY_FROM: Final = re.compile(r"replay_from=(\d+)")


@dataclass(frozen=True, slots=True)
class Resume:
    """Offsets to go on from, and the first window that has to be replayed for it."""

    next_window: int
    next_feature: int
    replay_from: int


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
    note = _REPLAY_FROM.search(committed[vitals].metadata or "")
    replay_from = int(note[1]) if note else oldest[vitals]
    if replay_from < oldest[vitals]:
        _log.error(
            "windows since the last snapshots are no longer kept: their stays go on from the snapshots",
            partition=partition,
            windows=oldest[vitals] - replay_from,
        )
    return Resume(next_window, next_feature, min(max(replay_from, oldest[vitals]), next_window))


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
