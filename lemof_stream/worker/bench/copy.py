"""The bare loop that the engine is held against: the same messages, the same guarantee, nothing done with them.

    python -m lemof_stream.worker.bench.copy BROKERS FOLDER

A transactional producer a partition, prepared batches, offsets in the transactions; a cycle takes the same number of
records of each partition.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from lemof_stream.contracts.topics import VITALS
from lemof_stream.settings import Settings
from lemof_stream.telemetry.tracing import NO_HEADERS
from lemof_stream.worker.bench.kafka import PARTITIONS
from lemof_stream.worker.clients import partition_producer, reader
from lemof_stream.worker.transaction import batches

GROUP: Final = "bench-copy"
TOPIC: Final = "bench.copy"
_POLL_MS: Final = 50
_CYCLE: Final = 2_000
"""Records of a cycle, of all partitions: what an engine takes that is to answer within a fraction of a second."""


async def copy(settings: Settings) -> None:
    """Copy until killed."""
    producers = {partition: partition_producer(settings, partition) for partition in range(PARTITIONS)}
    await asyncio.gather(*(producer.start() for producer in producers.values()))
    consumer = reader(settings.brokers)
    await consumer.start()
    places = [TopicPartition(VITALS, partition) for partition in producers]
    consumer.assign(places)
    share = _CYCLE // len(places)
    while True:
        fetched: dict[TopicPartition, Sequence[ConsumerRecord]] = {}
        for place in places:
            fetched |= await consumer.getmany(place, timeout_ms=_POLL_MS, max_records=share)
        await asyncio.gather(
            *(_write(producers[place.partition], place, records) for place, records in fetched.items())
        )


async def _write(
    producer: AIOKafkaProducer, place: TopicPartition, records: Sequence[ConsumerRecord]
) -> None:
    async with producer.transaction():
        for batch in batches(producer, [(record.key, record.value, NO_HEADERS) for record in records]):
            await producer.send_batch(batch, TOPIC, partition=place.partition)
        await producer.send_offsets_to_transaction({place: records[-1].offset + 1}, GROUP)


if __name__ == "__main__":
    asyncio.run(copy(Settings(brokers=sys.argv[1], group=GROUP)))
