"""A shadow and a runner that publishes never share a consumer group: each would take windows from the other."""

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from lemof_stream.broker.admin import admin_client, described_group
from lemof_stream.contracts.topics import VITALS
from lemof_stream.errors import BrokerError, ConfigError
from lemof_stream.settings import GROUP, Settings
from lemof_stream.worker.clients import SHADOW_ASSIGNMENT
from lemof_stream.worker.committed import Note, committed_offsets


async def require_own_group(settings: Settings, partitions: int) -> None:
    """See that the group is not one of the other kind: by its members, and by what it has committed.

    Two that start in a new group at once are parted by Kafka: see `clients.group_consumer`.

    Raises:
        ConfigError: it is.
        BrokerError: Kafka does not answer, or not for this group.
    """
    if settings.shadow and settings.group == GROUP:
        raise other_kind(settings)
    async with admin_client(settings.brokers) as admin:
        try:
            # In this order: the first waits for the group's coordinator, which a new Kafka has yet to choose.
            kinds: set[bool | None] = set(await _of_offsets(admin, settings.group, partitions))
            kinds.add(await _of_members(admin, settings.group))
        except KafkaError as error:
            raise BrokerError(
                f"Kafka at {settings.brokers} does not tell of the consumer group {settings.group} "
                f"({type(error).__name__}); try again, or look at its log."
            ) from None
    if (not settings.shadow) in kinds:
        raise other_kind(settings)


async def _of_members(admin: AIOKafkaAdminClient, group: str) -> bool | None:
    """Whether its members are shadows; None where it has none, or they are only coming to terms."""
    described = await described_group(admin, group)
    return described["protocol"] == SHADOW_ASSIGNMENT if described["protocol"] else None


async def _of_offsets(admin: AIOKafkaAdminClient, group: str, partitions: int) -> set[bool]:
    """Whether shadows have committed; both may have, and nobody."""
    places = [TopicPartition(VITALS, partition) for partition in range(partitions)]
    committed = await committed_offsets(admin, group, places)
    notes = [Note.parse(offset.metadata or "") for offset in committed.values()]
    return {note.shadow for note in notes if note is not None}


def other_kind(settings: Settings) -> ConfigError:
    """What is to be said to a runner whose group is one of the other kind."""
    if settings.shadow:
        return ConfigError(
            f"The consumer group {settings.group} is that of a runner that publishes, from which a shadow would take "
            "windows away; name another with --group, or leave it out."
        )
    return ConfigError(
        f"The consumer group {settings.group} is that of a shadow, which is past windows that were never published; "
        "name another with --group, or start a shadow with --shadow."
    )
