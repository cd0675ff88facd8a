"""Reads dead letters and sends them back to where they came from, each once."""

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from lemof_stream.broker.admin import require_topics
from lemof_stream.contracts.operations import DeadLetter
from lemof_stream.contracts.topics import DEAD_LETTERS
from lemof_stream.errors import BrokerError, ConfigError, MessageError
from lemof_stream.worker.letters import plausible_stamp
from lemof_stream.worker.reading import range_reader, read_range
from lemof_stream.worker.sending import send_one

REDRIVEN: Final = "lemof-redriven"
"""Header of a redriven message: the dead letter that it came from."""
_ORIGINAL: Final = "lemof-redriven-offset"
"""Header beside it: the offset of the original. Every group that reads a topic may have given up on one message, and
each takes what is redriven, so once is enough for all their letters."""


@dataclass(frozen=True, slots=True)
class LetterId:
    """Where a dead letter lies: partition and offset of the dead-letter topic, written `2:17`."""

    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`2:17`.

        Raises:
            ConfigError: it is none.
        """
        partition, _, offset = text.partition(":")
        if not (partition.isdecimal() and offset.isdecimal()):
            raise ConfigError(
                f"{text!r} names no dead letter: write partition and offset as `lemof dlq list` shows them, as in 2:17."
            )
        return cls(int(partition), int(offset))

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Filed:
    """A dead letter and where it lies."""

    id: LetterId
    letter: DeadLetter
    filed_ms: int
    """When it was written, in milliseconds since 1970."""


async def dead_letters(brokers: str) -> AsyncIterator[Filed]:
    """All dead letters, by partition.

    Raises:
        BrokerError: no Kafka answers, or it has no dead-letter topic.
    """
    counts = await require_topics(brokers, DEAD_LETTERS)
    async with range_reader(brokers) as consumer:
        for partition in range(counts[DEAD_LETTERS]):
            place = TopicPartition(DEAD_LETTERS, partition)
            start = (await consumer.beginning_offsets([place]))[place]
            async for filed in _read(consumer, partition, start, None):
                yield filed


async def find(brokers: str, wanted: LetterId) -> Filed:
    """One dead letter.

    Raises:
        ConfigError: there is none of this name.
        BrokerError: no Kafka answers, or it has no dead-letter topic.
    """
    counts = await require_topics(brokers, DEAD_LETTERS)
    place = TopicPartition(DEAD_LETTERS, wanted.partition)
    if wanted.partition < counts[DEAD_LETTERS]:
        async with range_reader(brokers) as consumer:
            start, end = (
                (await consumer.beginning_offsets([place]))[place],
                await consumer.end_offsets([place]),
            )
            if start <= wanted.offset < end[place]:
                async for filed in _read(consumer, wanted.partition, wanted.offset, wanted.offset + 1):
                    return filed
    raise ConfigError(f"There is no dead letter {wanted}: `lemof dlq list` shows those that there are.")


async def redrive(brokers: str, wanted: LetterId, corrected: bytes | None = None) -> Filed:
    """Send a letter's message, or its corrected value, to the topic and partition it came from; returns the letter.

    Raises:
        ConfigError: there is no such letter, or its message has been redriven before, be it as another group's letter.
        BrokerError: no Kafka answers, or it does not take the message.
    """
    filed = await find(brokers, wanted)
    letter = filed.letter
    value = letter.value if corrected is None else corrected
    if value is None and letter.key is None:
        raise ConfigError(
            f"The dead letter {wanted} has neither key nor value, so there is nothing to send: give the message that "
            "was meant with --value."
        )
    origin = TopicPartition(letter.topic, letter.partition)
    counts = await require_topics(brokers, letter.topic)
    if letter.partition >= counts[letter.topic]:
        raise BrokerError(
            f"The topic {letter.topic} has no partition {letter.partition} any more: send the message from its "
            "producer."
        )
    async with range_reader(brokers) as consumer:
        before = await _redriven_at(consumer, origin, filed)
    if before is not None:
        raise ConfigError(
            f"The message of the dead letter {wanted} has been redriven already, to offset {before} of {origin.topic} "
            f"partition {origin.partition}: every group has it from there, and a second time would do nothing new."
        )
    await send_one(
        brokers,
        origin,
        filed.letter.key,
        value,
        headers=[(REDRIVEN, str(filed.id).encode()), _original(filed)],
        refusal="Kafka at {brokers} did not take the message ({error}): redrive the letter again.",
    )
    return filed


async def _read(
    consumer: AIOKafkaConsumer, partition: int, start: int, stop: int | None
) -> AsyncIterator[Filed]:
    """Those of a partition; what is none, however it came there, is named on standard error and passed over."""
    async for record in read_range(consumer, TopicPartition(DEAD_LETTERS, partition), start, stop):
        try:
            letter = DeadLetter.from_bytes(record.value)
        except MessageError:
            sys.stderr.write(
                f"lemof: {DEAD_LETTERS} partition {partition} offset {record.offset} is no dead letter; passed over.\n"
            )
            continue
        yield Filed(LetterId(partition, record.offset), letter, plausible_stamp(record.timestamp))


async def _redriven_at(consumer: AIOKafkaConsumer, origin: TopicPartition, filed: Filed) -> int | None:
    """The offset of what the letter's message was redriven as: it can only lie behind the original."""
    marks = {(REDRIVEN, str(filed.id).encode()), _original(filed)}
    oldest = (await consumer.beginning_offsets([origin]))[origin]
    async for record in read_range(consumer, origin, max(oldest, filed.letter.offset + 1)):
        if not marks.isdisjoint(record.headers):
            offset: int = record.offset
            return offset
    return None


def _original(filed: Filed) -> tuple[str, bytes]:
    return _ORIGINAL, str(filed.letter.offset).encode()
