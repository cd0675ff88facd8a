"""Writes messages to topics and reads whole topics back."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from lemof_stream.contracts.topics import partition_of
from tests.topics import PARTITIONS


class Outgoing(NamedTuple):
    """A message of a stay, which decides the partition."""

    topic: str
    stay_id: str
    value: bytes | None
    key: bytes | None = None


async def send(
    brokers: str, messages: Iterable[Outgoing], transactional_id: str | None = None, *, abort: bool = False
) -> None:
    """Write messages; returns when the broker has them all. In one transaction where an id is given."""
    async with AIOKafkaProducer(
        bootstrap_servers=brokers, linger_ms=5, transactional_id=transactional_id
    ) as producer:
        if transactional_id is not None:
            await producer.begin_transaction()
        sent = [
            await producer.send(
                message.topic,
                message.value,
                key=message.key,
                partition=partition_of(message.stay_id, PARTITIONS),
            )
            for message in messages
        ]
        await asyncio.gather(*sent)
        if transactional_id is not None:
            await (producer.abort_transaction() if abort else producer.commit_transaction())


def _reader(brokers: str) -> "AIOKafkaConsumer[bytes, bytes]":
    """Begins at the beginning: where `seek_to_beginning` races with a reset to the end, this does not."""
    return AIOKafkaConsumer(
        bootstrap_servers=brokers, isolation_level="read_committed", auto_offset_reset="earliest"
    )


async def follow(brokers: str, topic: str) -> AsyncGenerator[ConsumerRecord[bytes, bytes]]:
    """Every committed message of a topic from its beginning, and those that come; ends with the test's deadline."""
    async with _reader(brokers) as consumer:
        consumer.assign([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
        async for record in consumer:
            yield record


async def read_all(brokers: str, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Every committed message that a topic holds now, partition by partition, in order."""
    records: list[ConsumerRecord[bytes, bytes]] = []
    async with _reader(brokers) as consumer:
        partitions = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                found = await consumer.getmany(partition, timeout_ms=200)
                for batch in found.values():
                    records.extend(batch)
    return records


async def latest(brokers: str, topic: str) -> dict[bytes, bytes]:
    """The last value of every key: what compaction leaves."""
    return {record.key: record.value for record in await read_all(brokers, topic) if record.key is not None}
