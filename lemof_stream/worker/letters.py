"""Dead letters: what could not be used, with its original bytes."""

from base64 import b64encode
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from aiokafka import ConsumerRecord

from lemof_stream.contracts.operations import DeadLetter
from lemof_stream.contracts.topics import MESSAGE_BYTES
from lemof_stream.worker.arrivals import Origin

# A sentence for a person; one that quotes a message would make a letter of any size.
_DETAIL_CHARACTERS: Final = 500
# Producers stamp records with any 64-bit number; what is beyond this cannot be meant.
_LAST_STAMP_MS: Final = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp() * 1000)


def dead_letter(record: ConsumerRecord, consumer: str, reason: str, detail: str) -> DeadLetter:
    """The dead letter of a record that the consumer group `consumer` gave up on.

    Kafka limits messages as they were compressed; of one that is larger than that unpacked, the letter holds as much
    as an uncompressed one may have, so that it always fits its topic.
    """
    key, value = record.key, record.value
    if key is not None:
        key = key[:MESSAGE_BYTES]
    if value is not None:
        value = value[: MESSAGE_BYTES - len(key or b"")]
    return DeadLetter(
        reason=reason,
        detail=_bounded(detail),
        consumer=consumer,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=datetime.fromtimestamp(plausible_stamp(record.timestamp) / 1000, UTC),
        key=None if key is None else b64encode(key),
        value=None if value is None else b64encode(value),
    )


def letter_key(letter: DeadLetter) -> bytes:
    """The key of a dead letter: its origin."""
    return f"{letter.consumer}|{letter.topic}|{letter.partition}|{letter.offset}".encode()


def letter_origin(key: bytes | None, consumer: str, topics: Collection[str]) -> Origin | None:
    """What a dead letter of this key is about, where `consumer` wrote it about a message of these topics."""
    if key is None:
        return None
    writer, *origin = key.rsplit(b"|", 3)
    if writer != consumer.encode() or len(origin) < 3:
        return None
    topic, partition, offset = origin
    if topic.decode(errors="replace") not in topics or not (partition.isdigit() and offset.isdigit()):
        return None
    return topic.decode(), int(partition), int(offset)


def plausible_stamp(milliseconds: int) -> int:
    """A record's timestamp, within what a calendar can hold."""
    return min(max(milliseconds, 0), _LAST_STAMP_MS)


def _bounded(detail: str) -> str:
    return detail if len(detail) <= _DETAIL_CHARACTERS else f"{detail[: _DETAIL_CHARACTERS - 4]} ..."
