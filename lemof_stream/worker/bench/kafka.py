"""A Kafka for one part of the benchmark, messages onto its topics, and how far a consumer group has come."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from lemof_stream.broker import Broker
from lemof_stream.broker.admin import admin_client, create_topics
from lemof_stream.contracts.topics import VITALS
from lemof_stream.settings import Settings
from lemof_stream.worker.bench.beds import Record
from lemof_stream.worker.committed import committed_offsets

PARTITIONS: Final = Settings.model_fields["partitions"].default
_BATCH_BYTES: Final = 256 * 1024  # a quarter of what Kafka takes, for requests that answer soon


@contextmanager
def fresh_kafka() -> Iterator[tuple[str, Path]]:
    """The address of a Kafka with the catalogue's topics, all empty, and a folder; both are gone at the end."""
    with TemporaryDirectory(prefix="lemof-bench-") as name:
        folder = Path(name)
        with Broker(folder / "kafka") as broker:
            asyncio.run(create_topics(broker.bootstrap, PARTITIONS, 1))
            yield broker.bootstrap, folder


async def create(brokers: str, topic: str) -> None:
    """A topic for what a rival publishes."""
    async with admin_client(brokers) as admin:
        await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])


@asynccontextmanager
async def open_producer(brokers: str) -> AsyncIterator[AIOKafkaProducer]:
    """As our simulators write: idempotent, each batch sent as soon as it is there."""
    async with AIOKafkaProducer(
        bootstrap_servers=brokers,
        enable_idempotence=True,
        max_batch_size=_BATCH_BYTES,
    ) as producer:
        yield producer


async def feed(brokers: str, topic: str, records: Iterable[Record]) -> None:
    """Write records in prepared batches; returns when Kafka has all of them."""
    async with open_producer(brokers) as producer:
        batches = {partition: producer.create_batch() for partition in range(PARTITIONS)}
        sent = []
        for record in records:
            batch = batches[record.partition]
            if batch.append(timestamp=None, key=record.key, value=record.value) is None:
                sent.append(await producer.send_batch(batch, topic, partition=record.partition))
                batch = batches[record.partition] = producer.create_batch()
                batch.append(timestamp=None, key=record.key, value=record.value)
        for partition, batch in batches.items():
            if batch.record_count():
                sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)


async def committed(admin: AIOKafkaAdminClient, group: str, topic: str = VITALS) -> dict[int, int]:
    """Messages of a topic that a group has behind it, by partition."""
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    found = await committed_offsets(admin, group, places)
    return {place.partition: max(found[place].offset, 0) for place in places}
