"""Everything that a cycle did in one partition, in one Kafka transaction."""

import asyncio

from aiokafka import AIOKafkaProducer

from lemof_stream.worker.cycle import LaneWork, Outgoing


async def commit(work: LaneWork, group: str) -> None:
    """Send what the work holds and commit its offsets, all or nothing.

    Raises:
        ProducerFenced: the partition has another owner, or the transaction took too long.
        KafkaError: nothing was committed, or nobody can say; the lane is to be opened anew.
    """
    producer = work.lane.producer
    await producer.begin_transaction()
    sent: list[asyncio.Future[object]] = []
    try:
        for topic, records in work.records.items():
            sent += [
                await producer.send_batch(batch, topic, partition=work.lane.partition)
                for batch in _batches(producer, records)
            ]
        await producer.send_offsets_to_transaction(work.offsets(), group)
    finally:
        delivered = await asyncio.gather(*sent, return_exceptions=True)
    # A batch that the broker refused does not keep aiokafka from committing the others.
    for outcome in delivered:
        if isinstance(outcome, BaseException):
            raise outcome
    await producer.commit_transaction()


def _batches(producer: AIOKafkaProducer, records: list[Outgoing]) -> list[object]:
    batch = producer.create_batch()
    batches = [batch]
    for key, value, headers in records:
        if batch.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:  # full
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value, headers=list(headers))
            batches.append(batch)
    return batches
