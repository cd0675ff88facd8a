"""What a live system publishes about replayed stays, once it is all there."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from lemof_stream.broker.admin import admin_client, described_group, require_topics
from lemof_stream.broker.stopping import stop_client
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import ALERTS, PREDICTIONS, WARD_STATE
from lemof_stream.contracts.ward import Alert, Departure, Outlook, read_ward_record
from lemof_stream.errors import BrokerError, MessageError
from lemof_stream.worker.audit import audit
from lemof_stream.worker.clients import follower

# An app that has just started joins its group within some ten seconds, on a busy machine after some thirty; whoever
# says nothing for twice as long will not.
_QUIET_S: Final = 60.0
_POLL_MS: Final = 200

Place = tuple[str, int]
"""A stay, and the minute that a step ends at."""


_READ: Final[dict[str, Callable[[bytes], Prediction | Alert | Outlook | Departure]]] = {
    PREDICTIONS: Prediction.from_bytes,
    ALERTS: Alert.from_bytes,
    WARD_STATE: read_ward_record,
}


class Wanted(NamedTuple):
    """What is waited for. `steps`: everything; `least`: without these there is nothing to score."""

    steps: frozenset[Place]
    least: frozenset[Place]
    with_alerts: bool


@dataclass
class Published:
    """What has come so far of some stays."""

    finals: dict[Place, Prediction] = field(default_factory=dict)
    """The last final prediction of each step."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    """By id, repeats left out."""
    outlooks: dict[str, Outlook] = field(default_factory=dict)
    """How far the ward app has come with each stay."""

    def take(self, record: ConsumerRecord, stays: Collection[str]) -> bool:
        """Take a record in; whether it is about one of the stays."""
        if record.value is None:  # the tombstone of a stay that left
            return False
        try:
            found = _READ[record.topic](record.value)
        except MessageError:  # whoever wrote it or acts on it tells of it
            return False
        if found.stay_id not in stays:
            return False
        match found:
            case Prediction(kind="final"):
                self.finals[found.stay_id, found.step_end_min] = found
            case Alert(state="raised"):
                self.alerts[found.alert_id] = found
            case Outlook():
                self.outlooks[found.stay_id] = found
        return True

    def behind(self, wanted: Wanted) -> set[str]:
        """The stays whose last final prediction the ward app has not taken in."""
        last: dict[str, Prediction] = {}
        for stay, end in sorted(wanted.steps):
            if (stay, end) in self.finals:
                last[stay] = self.finals[stay, end]
        return {
            stay
            for stay, prediction in last.items()
            if (known := self.outlooks.get(stay)) is None
            or (known.step, known.revision) < (prediction.step, prediction.revision)
        }


async def require_running(brokers: str, groups: Mapping[str, str]) -> None:
    """Is there a member in each consumer group? `groups`: the command that starts one, by group.

    Raises:
        BrokerError: no Kafka answers, or a group has no member.
    """
    async with admin_client(brokers) as client:
        for group, command in groups.items():
            try:
                found = await described_group(client, group)
            except KafkaError:  # a Kafka that has never had a group
                found = {"members": ()}
            if not found["members"]:
                raise BrokerError(
                    f"Nobody is in the consumer group {group} at {brokers}, so nothing would be scored: "
                    f"start `{command}` and replay again."
                )


async def published(brokers: str, group: str, wanted: Wanted) -> Published:
    """What the topics hold of the wanted steps' stays, once it is all there. `group`: the runners'.

    What they hold from an earlier replay of the same stays counts too: its inputs are duplicates the second time.

    Raises:
        BrokerError: nothing more comes before all of `least` is there.
    """
    topics = (PREDICTIONS, ALERTS, WARD_STATE) if wanted.with_alerts else (PREDICTIONS,)
    counts = await require_topics(brokers, *topics)
    consumer = follower(brokers, "earliest")
    try:
        await consumer.start()
        places = [TopicPartition(topic, number) for topic, n in counts.items() for number in range(n)]
        consumer.assign(places)
        found = await _collect(consumer, wanted)
        # Late inputs bring new revisions of what is final already.
        while (await audit(brokers, group)).pending:
            await _take(consumer, found, wanted)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            await _take(consumer, found, wanted)
    except KafkaError as error:
        raise BrokerError(
            f"Kafka at {brokers} could not be read on ({type(error).__name__}): see whether it still runs."
        ) from None
    else:
        return found
    finally:
        await stop_client(consumer)


async def _collect(consumer: AIOKafkaConsumer, wanted: Wanted) -> Published:
    found = Published()
    clock = asyncio.get_running_loop().time
    heard = clock()
    while clock() - heard < _QUIET_S:
        if await _take(consumer, found, wanted):
            heard = clock()
        elif found.finals.keys() >= wanted.steps and not (wanted.with_alerts and found.behind(wanted)):
            return found
    stays = {stay for stay, _ in wanted.steps}
    missing = len({stay for stay, _ in wanted.least - found.finals.keys()})
    if missing:
        raise BrokerError(
            f"{missing} of {len(stays)} stays lack predictions, and none has come for {_QUIET_S:.0f} s: see whether "
            "`lemof ehr` and `lemof run` still run, with the checkpoint of the cohort, and replay again."
        )
    if wanted.with_alerts and (behind := found.behind(wanted)):
        raise BrokerError(
            f"The ward app has not taken in the last predictions of {len(behind)} of {len(stays)} stays, and has said "
            f"nothing for {_QUIET_S:.0f} s: see whether `lemof ward` still runs, and replay again."
        )
    return found


async def _take(consumer: AIOKafkaConsumer, found: Published, wanted: Wanted) -> bool:
    """Take in what has come; whether any of it was news."""
    stays = {stay for stay, _ in wanted.steps}
    fetched = await consumer.getmany(timeout_ms=_POLL_MS)
    return sum(found.take(record, stays) for records in fetched.values() for record in records) > 0
