"""Ends a Kafka client of any kind, also where the broker is gone."""

import asyncio
import logging
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

# An orderly stop flushes what is under way, which takes forever when the broker is gone.
_STOP_S: Final = 3.0

_log = logging.getLogger(__name__)


async def stop_client(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a producer or consumer; where the broker is gone, give up what is under way after a moment."""
    try:
        async with asyncio.timeout(_STOP_S):
            await client.stop()
    except TimeoutError:
        _log.warning("the connection to Kafka was given up without an orderly end")
        await _disconnect(client)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # aiokafka cancels a fetch that waits for its retry, and lets that out; its connections are still to be closed.
        await _disconnect(client)


async def _disconnect(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    connections = client.client if isinstance(client, AIOKafkaProducer) else client._client  # noqa: SLF001
    await connections.close()
