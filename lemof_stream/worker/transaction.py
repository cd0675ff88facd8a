"""Everything that a cycle did in one partition: in one Kafka transaction, or sent first and committed then."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from lemof_stream.worker.cycle import LaneWork, Outgoing


async def commit(work: LaneWork, group: str) -> None:
    """Exactly once: send what the work holds and commit its offsets, all or nothing.

    Raises:
        ProducerFenced: the partition has another owner, or the transaction took too long.
        KafkaError: nothing was committed, or nobody can say; the lane is to be opened anew.
    """
    producer = work.lane.producer
    await producer.begin_transaction()
    sent: list[asyncio.Future[object]] = []
    try:
        await _send(work, sent)
        await producer.send_offsets_to_transaction(work.offsets, group)
    finally:
        delivered = await asyncio.gather(*sent, return_exceptions=True)
    # A batch that the broker refused does not keep aiokafka from committing the others.
    _raise_first(delivered)
    await producer.commit_transaction()


async def commit_behind(work: LaneWork, consumer: AIOKafkaConsumer) -> None:
    """At least once: send what the work holds, and commit its offsets when the broker has all of it.

    Raises:
        KafkaError: offsets were not committed, as the partition has another owner or a batch was refused; the lane is
            to be opened anew.
    """
    sent: list[asyncio.Future[object]] = []
    try:
        await _send(work, sent)
    finally:
        delivered = await asyncio.gather(*sent, return_exceptions=True)
    _raise_first(delivered)
    await consumer.commit(work.offsets)


async def _send(work: LaneWork, sent: list[asyncio.Future[object]]) -> None:
    """Hand every record to the producer; `sent` gets what tells of the delivery, of each topic as it is handed over."""
    producer = work.lane.producer
    for topic, records in work.records.items():
        sent += [
            await producer.send_batch(batch, topic, partition=work.lane.partition)
            for batch in batches(producer, records)
        ]


def _raise_first(delivered: list[object]) -> None:
    for outcome in delivered:
        if isinstance(outcome, BaseException):
            raise outcome


def batches(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> list[object]:
    """The records in as few batches as hold them."""
    batch = producer.create_batch()
    made = [batch]
    for key, value, headers in records:
        if batch.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:  # full
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value, headers=list(headers))
            made.append(batch)
    return made
