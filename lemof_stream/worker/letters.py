"""Dead letters: what could not be used, with its original bytes."""

from base64 import b64encode
from datetime import UTC, datetime

from aiokafka import ConsumerRecord

from lemof_stream.contracts.operations import DeadLetter


def dead_letter(record: ConsumerRecord, consumer: str, reason: str, detail: str) -> DeadLetter:
    """The dead letter of a record that the consumer group `consumer` gave up on."""
    return DeadLetter(
        reason=reason,
        detail=detail,
        consumer=consumer,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=datetime.fromtimestamp(max(record.timestamp, 0) / 1000, UTC),
        key=None if record.key is None else b64encode(record.key),
        value=None if record.value is None else b64encode(record.value),
    )


def letter_key(letter: DeadLetter) -> bytes:
    """The key of a dead letter: its origin."""
    return f"{letter.consumer}|{letter.topic}|{letter.partition}|{letter.offset}".encode()
