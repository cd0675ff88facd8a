"""Records of the two input topics, read once: what they hold, when it happened, or why they cannot be used."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from aiokafka import ConsumerRecord

from lemof_stream.contracts.ehr import Watermark, read_ehr_record
from lemof_stream.contracts.message import stay_of
from lemof_stream.contracts.topics import VITALS, partition_of
from lemof_stream.contracts.vitals import read_window
from lemof_stream.errors import MessageError
from lemof_stream.runner.cycle import EhrInput, Erased, Input, WindowInput
from lemof_stream.worker.ehr_fold import stay_key
from lemof_stream.worker.merge import AT_ONCE, just_before

_WRONG_KEY: Final = MessageError(
    "unreadable",
    "The message's key is not that of its stay; correct the key at its producer and send it again.",
)
_MISPLACED: Final = MessageError(
    "misplaced",
    "The message lies in another partition than its stay's; let its producer hash the key as Kafka's own clients do "
    "(murmur2) and send it again.",
)
_NO_VALUE: Final = MessageError(
    "unreadable", "The message has no value, which means nothing on this topic; correct it at its producer."
)


Origin = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(slots=True)
class Arrival:
    """A record and what was made of it: an input, a watermark, a refusal, or nothing (most tombstones)."""

    record: ConsumerRecord
    is_window: bool
    """Whether the ledger counts it."""
    time: float = AT_ONCE
    """Event time in seconds since 1970."""
    input: Input | None = None
    watermark: float | None = None
    refusal: MessageError | None = None

    @property
    def progress(self) -> float:
        """How far it shows its feed to have come: a watermark says that no more is to come of its instant."""
        return just_before(self.time) if self.watermark is None else self.watermark

    @property
    def origin(self) -> Origin:
        """Where the record lies."""
        return self.record.topic, self.record.partition, self.record.offset


def read_arrival(record: ConsumerRecord, partitions: int) -> Arrival:
    """Read a record of either input topic, which has this many partitions."""
    is_window = record.topic == VITALS
    try:
        return _window(record, partitions) if is_window else _ehr(record, partitions)
    except MessageError as refusal:
        return Arrival(record, is_window, refusal=refusal)


def _window(record: ConsumerRecord, partitions: int) -> Arrival:
    if record.value is None:
        raise _NO_VALUE
    window = read_window(record.value)
    partition = record.partition
    key, home = _home(window.stay_id, partitions)
    if record.key != key:
        raise _WRONG_KEY
    if partition != home:
        raise _MISPLACED
    return Arrival(record, True, window.end.timestamp(), WindowInput(partition, window))


def _ehr(record: ConsumerRecord, partitions: int) -> Arrival:
    if record.value is None:
        stay_id = stay_of(record.key or b"")
        return Arrival(record, False, input=Erased(stay_id) if record.key == stay_key(stay_id) else None)
    content = read_ehr_record(record.value)
    time = content.event_time.timestamp()
    if isinstance(content, Watermark):
        return Arrival(record, False, watermark=time)
    if record.key is None or record.key.rpartition(b"|")[0] != content.stay_id.encode():
        raise _WRONG_KEY
    _, home = _home(content.stay_id, partitions)
    if record.partition != home:
        raise _MISPLACED
    return Arrival(record, False, time, EhrInput(record.partition, content))


@lru_cache(maxsize=1 << 16)  # a hospital group's stays
def _home(stay_id: str, partitions: int) -> tuple[bytes, int]:
    """A stay's key, and its partition: in two, it would have two states, and half of its inputs in each."""
    return stay_id.encode(), partition_of(stay_id, partitions)
