"""Sends records to Kafka without ever making their maker wait: what Kafka does not take yet waits here."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from lemof_stream.contracts.topics import VITALS
from lemof_stream.errors import BrokerError
from lemof_stream.worker.bench.kafka import open_producer
from simulators.load.beds import Record


class _Line:
    """What waits for one partition. Kafka takes a batch at a time; what comes meanwhile makes up the next."""

    def __init__(self, producer: AIOKafkaProducer, partition: int) -> None:
        self._producer = producer
        self._partition = partition
        self._full: deque[Any] = deque()
        self._open: Any = None
        self._some = asyncio.Event()
        self._closed = False

    def put(self, key: bytes, value: bytes) -> None:
        if self._open is None or self._open.append(timestamp=None, key=key, value=value) is None:
            if self._open is not None:
                self._full.append(self._open)
            self._open = self._producer.create_batch()
            self._open.append(timestamp=None, key=key, value=value)

    def wake(self) -> None:
        self._some.set()

    def close(self) -> None:
        self._closed = True
        self._some.set()

    async def run(self) -> None:
        """Send what comes until the line is closed, and see all of it delivered.

        Raises:
            KafkaError: a batch was not delivered.
        """
        deliveries: deque[asyncio.Future[Any]] = deque()
        while not self._closed or self._open is not None:
            await self._some.wait()
            self._some.clear()
            while self._open is not None:
                # Returns when the batch before has been taken from aiokafka's queue.
                deliveries.append(
                    await self._producer.send_batch(self._next(), VITALS, partition=self._partition)
                )
                while deliveries[0].done() and len(deliveries) > 1:
                    await deliveries.popleft()
        await asyncio.gather(*deliveries)

    def _next(self) -> Any:
        if self._full:
            batch = self._full.popleft()
        else:
            batch, self._open = self._open, None
        batch.close()
        return batch


class Outbox:
    """A line for each partition."""

    def __init__(self, lines: list[_Line], tasks: list[asyncio.Task[None]]) -> None:
        self._lines = lines
        self._tasks = tasks

    def put(self, records: Iterable[Record]) -> None:
        """Take records; returns at once.

        Raises:
            KafkaError: Kafka did not take earlier ones.
        """
        for task in self._tasks:
            if task.done():
                task.result()
        touched = set()
        for partition, key, value in records:
            self._lines[partition].put(key, value)
            touched.add(partition)
        for partition in touched:
            self._lines[partition].wake()

    async def deliver(self) -> None:
        """Wait until everything is delivered; nothing more is taken."""
        for line in self._lines:
            line.close()
        await asyncio.gather(*self._tasks)


@asynccontextmanager
async def open_outbox(brokers: str, partitions: int) -> AsyncIterator[Outbox]:
    """An outbox to `vitals.windows.v1`; at its end everything is delivered.

    Raises:
        BrokerError: Kafka is not there, or did not take all of it.
    """
    tasks: list[asyncio.Task[None]] = []
    try:
        async with open_producer(brokers) as producer:
            lines = [_Line(producer, partition) for partition in range(partitions)]
            tasks += [asyncio.create_task(line.run()) for line in lines]
            outbox = Outbox(lines, tasks)
            yield outbox
            await outbox.deliver()
    except KafkaError as error:
        raise BrokerError(
            f"Kafka at {brokers} took no more windows ({type(error).__name__}): see whether it still runs "
            "(`lemof broker status`) and start again."
        ) from None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
