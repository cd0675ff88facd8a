"""Follows topics beside the cycles, with a consumer that is made anew when it fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from lemof_stream.broker.stopping import stop_client
from lemof_stream.telemetry import get_logger
from lemof_stream.worker.clients import follower

_log = get_logger(__name__)

Follow = Callable[[AIOKafkaConsumer], Awaitable[None]]
"""Reads on for ever, with a consumer that is started and has no partitions yet."""


@asynccontextmanager
async def following(
    what: str, follow: Follow, brokers: str, *, reset: str, retry_s: float
) -> AsyncIterator[None]:
    """Follow meanwhile; whatever goes wrong is logged, and tried again after a while. `reset`: see `follower`."""
    task = asyncio.create_task(_again(what, follow, brokers, reset, retry_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _again(what: str, follow: Follow, brokers: str, reset: str, retry_s: float) -> None:
    while True:
        consumer = follower(brokers, reset)
        try:
            await consumer.start()
            await follow(consumer)
        except KafkaError as error:
            _log.warning(f"{what} cannot be followed; trying again", error=type(error).__name__)
        except Exception:  # noqa: BLE001 - whatever it is, the cycles go on
            _log.exception(f"{what} cannot be followed; trying again")
        finally:
            await stop_client(consumer)
        await asyncio.sleep(retry_s)
