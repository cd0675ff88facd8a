"""Applies the topic catalogue to a Kafka, and says where a Kafka differs from it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from lemof_stream.contracts.topics import TOPICS
from lemof_stream.errors import BrokerError

_CONNECT_S: Final = 5.0  # a Kafka that lives answers in milliseconds
_REQUEST_MS: Final = 30_000  # creating all topics on a slow disk
_LEADERS_S: Final = 20.0  # until every new partition has a leader; takes some 100 ms

# Its complaints about a Kafka that does not answer would stand beside the one sentence that says so.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Difference:
    """Where a topic is not as the catalogue has it."""

    topic: str
    what: str

    def __str__(self) -> str:
        return f"{self.topic} {self.what}"


@asynccontextmanager
async def admin_client(brokers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client of `brokers` (`host:port`, several parted by commas).

    Raises:
        BrokerError: none of them answers within a few seconds.
    """
    client = AIOKafkaAdminClient(bootstrap_servers=brokers.split(","), request_timeout_ms=_REQUEST_MS)
    try:
        try:
            async with asyncio.timeout(_CONNECT_S):
                await client.start()
        except (KafkaError, OSError, TimeoutError, ValueError):
            raise BrokerError(
                f"No Kafka answers at {brokers}: start one (`lemof broker start`), or name another with --brokers "
                "or LEMOF_BROKERS."
            ) from None
        yield client
    finally:
        await client.close()


async def create_topics(brokers: str, partitions: int, replication: int) -> list[str]:
    """Creates the topics of the catalogue that are missing; returns their names. Others are left as they are.

    Raises:
        BrokerError: no Kafka answers, or it refuses a topic.
    """
    async with admin_client(brokers) as client:
        present = set(await client.list_topics())
        missing = [topic for topic in TOPICS if topic.name not in present]
        new = [
            NewTopic(topic.name, partitions, replication, topic_configs=topic.config()) for topic in missing
        ]
        answer = await client.create_topics(new)
        for name, code, *told in answer.topic_errors:
            # Two processes may create at once: who comes second finds what it wanted.
            if code not in (0, TopicAlreadyExistsError.errno):
                reason = told[0] if told and told[0] else for_code(code).__name__
                raise BrokerError(
                    f"Kafka at {brokers} refused the topic {name} ({reason}): mend that and create again."
                )
        await _wait_for_leaders(client, [topic.name for topic in missing])
        return [topic.name for topic in missing]


async def check_topics(brokers: str, partitions: int, replication: int) -> list[Difference]:
    """Every difference between the catalogue and the topics that are there.

    Raises:
        BrokerError: no Kafka answers.
    """
    async with admin_client(brokers) as client:
        described = {topic["topic"]: topic for topic in await client.describe_topics()}
        differences = [
            Difference(topic.name, "is missing") for topic in TOPICS if topic.name not in described
        ]
        for topic in (topic for topic in TOPICS if topic.name in described):
            found = _shape(described[topic.name])
            for noun, wanted in (("partitions", partitions), ("replicas", replication)):
                if found[noun] != wanted:
                    what = f"has {found[noun]} {noun} where the catalogue has {wanted}"
                    differences.append(Difference(topic.name, what))
            settings = await topic_settings(client, topic.name)
            differences += [
                Difference(topic.name, f"has {key}={settings.get(key)} where the catalogue has {value}")
                for key, value in topic.config().items()
                if settings.get(key) != value
            ]
        return differences


async def require_topics(brokers: str, *names: str) -> dict[str, int]:
    """The number of partitions of each topic in `names`; what a process asks before it starts its work.

    Raises:
        BrokerError: no Kafka answers, or a topic is missing.
    """
    async with admin_client(brokers) as client:
        described = {
            topic["topic"]: topic for topic in await client.describe_topics() if topic["error_code"] == 0
        }
        missing = [name for name in names if name not in described]
        if missing:
            raise BrokerError(
                f"Kafka at {brokers} lacks the topic {missing[0]}: create the topics with `lemof topics create`."
            )
        return {name: _shape(described[name])["partitions"] for name in names}


async def require_equal_topics(brokers: str, *names: str) -> int:
    """The number of partitions that all these topics have: a stay lies in the same one of each.

    Raises:
        BrokerError: no Kafka answers, a topic is missing, or their partitions differ.
    """
    counts = await require_topics(brokers, *names)
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise BrokerError(
            f"The topics at {brokers} differ in their partitions ({listed}), but a stay needs the same one on all: "
            "delete those that are wrong and create them with `lemof topics create`."
        )
    return counts[names[0]]


def _shape(described: dict[str, Any]) -> dict[str, int]:
    partitions = described["partitions"]
    return {"partitions": len(partitions), "replicas": min(len(p["replicas"]) for p in partitions)}


async def described_group(client: AIOKafkaAdminClient, group: str) -> dict[str, Any]:
    """State, protocol and members of a consumer group, in Kafka's names.

    Raises:
        KafkaError: Kafka does not answer for the group, as one that has yet to choose its coordinator.
    """
    [answer] = await client.describe_consumer_groups([group])
    [found] = answer.to_object()["groups"]
    described: dict[str, Any] = found
    return described


async def topic_settings(client: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    """Every setting of a topic, the broker's defaults included, in Kafka's names."""
    [answer] = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    [resource] = answer.to_object()["resources"]
    return {entry["config_names"]: entry["config_value"] for entry in resource["config_entries"]}


async def _wait_for_leaders(client: AIOKafkaAdminClient, topics: list[str]) -> None:
    """A topic is created before a client can write to it: its leaders come a moment later."""
    if not topics:
        return
    async with asyncio.timeout(_LEADERS_S):
        while True:
            described = await client.describe_topics(topics)
            if all(
                topic["error_code"] == 0 and all(part["leader"] >= 0 for part in topic["partitions"])
                for topic in described
            ):
                return
            await asyncio.sleep(0.05)
