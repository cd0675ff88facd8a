"""Makes the topics of a Kafka new between tests: 0.2 s, where a Kafka of one's own takes 4 s."""

from collections.abc import Sequence
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient

from lemof_stream.broker.admin import admin_client, create_topics
from tests.waiting import wait_until_async

PARTITIONS: Final = 4
_GONE_S: Final = 20.0


async def renew_topics(brokers: str) -> None:
    """Deletes every topic but Kafka's own, Faust's included, and creates the catalogue."""
    async with admin_client(brokers) as client:
        await delete_topics(
            client, [name for name in await client.list_topics() if not name.startswith("__")]
        )
    await create_topics(brokers, PARTITIONS, 1)


async def delete_topics(client: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """Deletes topics and waits until they are no longer listed."""

    async def gone() -> bool:
        left = sorted(set(names) & set(await client.list_topics()))
        if left:
            await client.delete_topics(left)
        return not left

    await wait_until_async(gone, _GONE_S, "the deletion of topics")
