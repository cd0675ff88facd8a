"""Makes the topics of a Kafka new between tests: 0.2 s, where a Kafka of one's own takes 4 s."""

from collections.abc import Sequence
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.offset import OffsetRequest

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
    """Deletes topics and waits until they are neither listed nor served: Kafka closes them after it has said so, and
    a topic made anew in between would be read with the old one's messages.
    """

    async def gone() -> bool:
        left = sorted(set(names) & set(await client.list_topics()))
        if left:
            await client.delete_topics(left)
        return not left and not await _served(client, names)

    await wait_until_async(gone, _GONE_S, "the deletion of topics")


async def _served(client: AIOKafkaAdminClient, names: Sequence[str]) -> bool:
    """Whether the broker still answers for a partition of a topic."""
    ask = OffsetRequest(
        -1, 0, [(name, [(partition, -1) for partition in range(PARTITIONS)]) for name in names]
    )
    answer = await client._send_request(ask)
    return any(code == 0 for _, partitions in answer.topics for _, code, *_ in partitions)
