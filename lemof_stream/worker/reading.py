"""Reads a range of one partition once, to the end that it has now."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from lemof_stream.broker.stopping import stop_client
from lemof_stream.worker.clients import reader

_POLL_MS: Final = 30
# A broker that says nothing for this long while a range is read is taken for gone.
_SILENCE_S: Final = 40.0


class InterruptedReadError(Exception):
    """The reading was called off."""


@asynccontextmanager
async def range_reader(brokers: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A started reader.

    Raises:
        KafkaConnectionError: the broker is not there.
    """
    consumer = reader(brokers)
    try:
        await consumer.start()
        yield consumer
    finally:
        await stop_client(consumer)


async def read_range(
    consumer: AIOKafkaConsumer,
    partition: TopicPartition,
    start: int,
    stop: int | None = None,
    called_off: Callable[[], bool] = lambda: False,
) -> AsyncIterator[ConsumerRecord]:
    """Committed records from offset `start` up to `stop`; None: to the end, as it is when reading begins.

    The end is the high watermark, not the last stable offset: what this group has committed may lie behind another
    group's open transaction, whose end is then waited for. Positions count, not records, as a topic may end in
    transaction markers.

    Raises:
        InterruptedReadError: `called_off` became true.
        KafkaTimeoutError: the broker fell silent.
    """
    if stop is not None and start >= stop:
        return
    consumer.assign([partition])
    consumer.seek(partition, start)
    silent_since = time.time()
    while stop is None or await consumer.position(partition) < stop:
        if called_off():
            raise InterruptedReadError
        fetched = await consumer.getmany(partition, timeout_ms=_POLL_MS)
        for record in fetched.get(partition, ()):
            if stop is not None and record.offset >= stop:
                return
            yield record
        if fetched:
            silent_since = time.time()  # the caller may have taken its time with them
        if stop is None:
            stop = consumer.highwater(partition)
        heard = consumer.last_poll_timestamp(partition)
        if time.time() - max(silent_since, 0 if heard is None else heard / 1000) > _SILENCE_S:
            raise KafkaTimeoutError
