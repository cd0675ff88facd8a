"""The topic catalogue on a real Kafka."""

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from lemof_stream.broker.admin import admin_client, check_topics, create_topics, require_equal_topics
from lemof_stream.contracts.topics import ALERTS, CENSUS, LEDGER, TOPICS
from lemof_stream.errors import BrokerError
from tests.topics import PARTITIONS, delete_topics
from tests.waiting import wait_until_async


async def test_created_topics_are_as_the_catalogue_has_them(topics: str) -> None:
    async with admin_client(topics) as client:
        present = await client.list_topics()

    assert {topic.name for topic in TOPICS} <= set(present)
    assert await check_topics(topics, PARTITIONS, 1) == []


async def test_creating_again_changes_nothing(topics: str) -> None:
    assert await create_topics(topics, PARTITIONS, 1) == []


async def test_check_names_every_topic_that_differs(topics: str) -> None:
    async with admin_client(topics) as client:
        await delete_topics(client, [CENSUS])
        await client.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, LEDGER, {"retention.ms": "1000"})]
        )

    async def both_found() -> bool:
        found = [str(difference) for difference in await check_topics(topics, PARTITIONS, 1)]
        return found == [
            f"{CENSUS} is missing",
            f"{LEDGER} has retention.ms=1000 where the catalogue has 2592000000",
        ]

    await wait_until_async(both_found, 10, "the two differences")


async def test_check_names_another_number_of_partitions(topics: str) -> None:
    found = await check_topics(topics, PARTITIONS + 1, 1)

    assert {difference.topic for difference in found} == {topic.name for topic in TOPICS}


async def test_more_replicas_than_brokers_are_refused_by_name(topics: str) -> None:
    async with admin_client(topics) as client:
        await delete_topics(client, [CENSUS])

    with pytest.raises(BrokerError, match=r"refused the topic census\.v1"):
        await create_topics(topics, PARTITIONS, 3)


async def test_topics_that_differ_in_their_partitions_are_listed(topics: str) -> None:
    assert await require_equal_topics(topics, ALERTS, CENSUS) == PARTITIONS
    async with admin_client(topics) as client:
        await delete_topics(client, [CENSUS])
    await create_topics(topics, PARTITIONS + 1, 1)

    with pytest.raises(BrokerError, match=rf"\(alerts\.v1 {PARTITIONS}, census\.v1 {PARTITIONS + 1}\)"):
        await require_equal_topics(topics, ALERTS, CENSUS)


async def test_a_kafka_that_is_down_is_one_sentence(closed_port: int) -> None:
    with pytest.raises(BrokerError, match=f"No Kafka answers at 127.0.0.1:{closed_port}: start one"):
        await check_topics(f"127.0.0.1:{closed_port}", PARTITIONS, 1)
