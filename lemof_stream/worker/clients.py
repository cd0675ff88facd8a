"""Kafka clients as the worker needs them: what each setting prevents is said beside it."""

from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from lemof_stream.contracts.topics import VITALS
from lemof_stream.settings import Settings

SHADOW_ASSIGNMENT: Final = "range-shadow"
"""What Kafka says that a group of shadows has agreed on."""

# A partition that is resumed while a fetch of the others is under way waits for its end; aiokafka's 500 ms would be
# felt at the bedside.
_FETCH_WAIT_MS: Final = 100
# A backlog's cycles take 100,000 windows, 25,000 of each of four partitions, which aiokafka's 1 MiB would not fill.
_FETCH_BYTES: Final = 10 * 1024 * 1024
# A reader learns from an empty answer that it is at the end; nobody watches it wait for new records.
_EMPTY_WAIT_MS: Final = 20
# Kafka answers "not yet" while it completes the transaction before; aiokafka's 100 ms would be most of a cycle.
_RETRY_MS: Final = 20
# Members that live but are in a long cycle or restore are waited for this long when the group rebalances; the dead
# are found by the session timeout.
_REBALANCE_MS: Final = 30_000
# Who stays hears from the answer to a heartbeat that another has left, and nobody has its partitions until then. Kafka
# advises a third of the session timeout at most, so that one lost heartbeat costs nothing.
_HEARTBEAT_MS: Final = 500
_HEARTBEATS_A_SESSION: Final = 3
# Kafka refuses batches beyond 1 MiB; half leaves room for one large message behind many small ones.
_BATCH_BYTES: Final = 512 * 1024
# What a killed worker left open blocks readers until the next owner fences it, or for this long.
_TRANSACTION_MS: Final = 30_000


class _ShadowAssignor(RangePartitionAssignor):  # type: ignore[misc]
    """The same under another name: Kafka lets nobody into a group whose members all speak of another one, so that a
    shadow and a runner never share one's partitions.
    """

    name = SHADOW_ASSIGNMENT


def group_consumer(settings: Settings) -> AIOKafkaConsumer:
    """A member of the runner's group. Range assignment gives it the same partitions of every topic of equal size."""
    return AIOKafkaConsumer(
        bootstrap_servers=settings.brokers.split(","),
        group_id=settings.group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",  # a position that is gone is an error to be told, not a silent leap
        partition_assignment_strategy=(_ShadowAssignor if settings.shadow else RangePartitionAssignor,),
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=min(_HEARTBEAT_MS, settings.session_timeout_ms // _HEARTBEATS_A_SESSION),
        rebalance_timeout_ms=max(_REBALANCE_MS, settings.session_timeout_ms),
        fetch_max_wait_ms=_FETCH_WAIT_MS,
        max_partition_fetch_bytes=_FETCH_BYTES,
    )


def reader(brokers: str) -> AIOKafkaConsumer:
    """A consumer without a group, for reading a range of a topic once."""
    return AIOKafkaConsumer(
        bootstrap_servers=brokers.split(","),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # what retention deletes while it is read is not waited for
        fetch_max_wait_ms=_EMPTY_WAIT_MS,
        retry_backoff_ms=_EMPTY_WAIT_MS,
    )


def follower(brokers: str, reset: str) -> AIOKafkaConsumer:
    """A consumer without a group, for following what others write. `reset`: where a position that is no longer to be
    had leads, as Kafka names it (`none`: it is an error).
    """
    return AIOKafkaConsumer(
        bootstrap_servers=brokers.split(","),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset=reset,
    )


def partition_producer(settings: Settings, partition: int) -> AIOKafkaProducer:
    """The one producer of an input partition: exactly once, to start it fences whoever had the partition before."""
    exactly_once = settings.guarantee == "exactly_once"
    return AIOKafkaProducer(
        bootstrap_servers=settings.brokers.split(","),
        transactional_id=f"{settings.group}-{VITALS}-{partition}" if exactly_once else None,
        enable_idempotence=True,  # a batch that is sent again after a lost answer is written once
        transaction_timeout_ms=_TRANSACTION_MS,
        max_batch_size=_BATCH_BYTES,
        compression_type="zstd",  # three times as fast as lz4 at the level that aiokafka fixes, and smaller
        retry_backoff_ms=_RETRY_MS,
    )
