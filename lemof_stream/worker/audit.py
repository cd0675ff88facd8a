"""The audit: is every window accounted for, exactly once?

It walks the ledger of a group against the offsets of its input and against the dead letters. A ledger entry covers the
offsets [first_offset, next_offset) of one partition; entries that follow one another leave no gap and do not overlap,
they reach from the oldest window that Kafka keeps to what the group has committed, each holds as many windows as there
are records, and every `late` or `rejected` has its dead letter.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import BaseModel

from lemof_stream.broker.admin import admin_client, require_topics
from lemof_stream.contracts.message import Message
from lemof_stream.contracts.operations import DeadLetter, LedgerEntry
from lemof_stream.contracts.topics import DEAD_LETTERS, LEDGER, VITALS
from lemof_stream.errors import MessageError
from lemof_stream.worker.committed import committed_offsets
from lemof_stream.worker.reading import range_reader, read_range

# The marker of a committed transaction reaches the offsets before the ledger, or after it, by some milliseconds.
_LEDGER_BEHIND_S: Final = 5.0
_ASK_AGAIN_S: Final = 0.1

M = TypeVar("M", bound=Message)


class Balance(BaseModel):
    """Windows by what became of them. `pending` are in Kafka and not yet taken."""

    received: int = 0
    predicted: int = 0
    duplicate: int = 0
    late: int = 0
    rejected: int = 0
    pending: int = 0
    balanced: bool = True
    problems: list[str] = []


class Audit(Balance):
    """The balance of a group, in total and by partition."""

    group: str
    partitions: dict[int, Balance]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What Kafka holds about one partition.

    `letters`: offsets of the windows that dead letters are about. `unreadable`: a sentence for each record on the
    ledger or the dead-letter topic that says nothing.
    """

    oldest: int
    end: int
    committed: int | None
    entries: Sequence[LedgerEntry]
    letters: Sequence[int]
    letters_complete: bool
    unreadable: Sequence[str] = ()


async def audit(brokers: str, group: str) -> Audit:
    """Audit a consumer group of runners.

    Raises:
        BrokerError: no Kafka answers, or topics are missing.
    """
    counts = await require_topics(brokers, VITALS, LEDGER, DEAD_LETTERS)
    partitions: dict[int, Balance] = {}
    async with range_reader(brokers) as consumer:
        for partition in range(counts[VITALS]):
            evidence = await _gather(consumer, brokers, group, partition)
            balance = judge(evidence)
            if any(entry.received != entry.next_offset - entry.first_offset for entry in evidence.entries):
                await _recount(consumer, partition, evidence, balance)
            partitions[partition] = balance
    total = Audit(group=group, partitions=partitions)
    for balance in partitions.values():
        for name in ("received", "predicted", "duplicate", "late", "rejected", "pending"):
            setattr(total, name, getattr(total, name) + getattr(balance, name))
    total.problems = [
        f"partition {partition}: {problem}"
        for partition, balance in partitions.items()
        for problem in balance.problems
    ]
    total.balanced = not total.problems
    return total


def judge(evidence: Evidence) -> Balance:
    """Balance one partition's evidence."""
    entries = sorted(evidence.entries, key=lambda entry: (entry.first_offset, entry.next_offset))
    covered = entries[-1].next_offset if entries else evidence.oldest
    balance = Balance(
        received=sum(entry.received for entry in entries),
        predicted=sum(entry.predicted for entry in entries),
        duplicate=sum(entry.duplicate for entry in entries),
        late=sum(entry.late for entry in entries),
        rejected=sum(entry.rejected for entry in entries),
        pending=max(0, evidence.end - covered),
    )
    balance.problems = [
        *evidence.unreadable,
        *_breaks(entries, evidence),
        *_letters(entries, evidence),
    ]
    balance.balanced = not balance.problems
    return balance


def _breaks(entries: Sequence[LedgerEntry], evidence: Evidence) -> Iterator[str]:
    """Gaps and overlaps, and where the ledger ends too early or too late."""
    if entries and entries[0].first_offset > evidence.oldest:
        yield f"offsets {evidence.oldest} to {entries[0].first_offset - 1} are in Kafka and not in the ledger"
    for before, after in pairwise(entries):
        if after.first_offset > before.next_offset:
            yield f"offsets {before.next_offset} to {after.first_offset - 1} were never received"
        elif after.first_offset < before.next_offset:
            yield f"offsets {after.first_offset} to {before.next_offset - 1} are in the ledger more than once"
    covered = entries[-1].next_offset if entries else evidence.oldest
    if covered > evidence.end:
        yield f"the ledger goes on to offset {covered}, where the input ends at {evidence.end}"
    if evidence.committed is not None and covered < evidence.committed:
        yield f"offsets {covered} to {evidence.committed - 1} are committed and not in the ledger"


def _letters(entries: Sequence[LedgerEntry], evidence: Evidence) -> Iterator[str]:
    """Every late or rejected window has one dead letter, and no other window has one."""
    letters = sorted(evidence.letters)
    if len(set(letters)) < len(letters):
        yield f"{len(letters) - len(set(letters))} windows have more than one dead letter"
    oldest = 0 if evidence.letters_complete else letters[0] if letters else evidence.end
    for entry in entries:
        if entry.first_offset < oldest:
            continue  # its letters may have been deleted by retention
        found = bisect_left(letters, entry.next_offset) - bisect_left(letters, entry.first_offset)
        if found != entry.late + entry.rejected:
            yield (
                f"offsets {entry.first_offset} to {entry.next_offset - 1} have {found} dead letters, where "
                f"{entry.late + entry.rejected} windows were late or rejected"
            )


async def _gather(consumer: AIOKafkaConsumer, brokers: str, group: str, partition: int) -> Evidence:
    vitals, letters_at = TopicPartition(VITALS, partition), TopicPartition(DEAD_LETTERS, partition)
    async with admin_client(brokers) as admin:
        offset = (await committed_offsets(admin, group, [vitals]))[vitals].offset
    committed = offset if offset >= 0 else None
    oldest = await consumer.beginning_offsets([vitals, letters_at])
    unreadable: list[str] = []
    entries = await _entries(consumer, group, partition, committed, unreadable)
    # Read after the ledger, so that neither the end of the input nor the letters can be behind it.
    end = (await consumer.end_offsets([vitals]))[vitals]
    letters = [
        letter.offset
        async for letter in _messages(consumer, letters_at, oldest[letters_at], DeadLetter, unreadable)
        if letter.consumer == group and (letter.topic, letter.partition) == vitals
    ]
    covered = max((entry.next_offset for entry in entries), default=0)
    return Evidence(
        oldest=oldest[vitals],
        end=end,
        committed=committed,
        entries=entries,
        letters=[offset for offset in letters if offset < covered],
        letters_complete=oldest[letters_at] == 0,
        unreadable=unreadable,
    )


async def _entries(
    consumer: AIOKafkaConsumer, group: str, partition: int, committed: int | None, unreadable: list[str]
) -> list[LedgerEntry]:
    """The group's entries; read again for a moment while they are behind what is committed."""
    place = TopicPartition(LEDGER, partition)
    until = asyncio.get_running_loop().time() + _LEDGER_BEHIND_S
    while True:
        start = (await consumer.beginning_offsets([place]))[place]
        unreadable.clear()
        read = [entry async for entry in _messages(consumer, place, start, LedgerEntry, unreadable)]
        entries = [
            entry
            for entry in read
            if (entry.group, entry.topic, entry.partition) == (group, VITALS, partition)
        ]
        covered = max((entry.next_offset for entry in entries), default=0)
        if committed is None or covered >= committed or asyncio.get_running_loop().time() > until:
            return entries
        await asyncio.sleep(_ASK_AGAIN_S)


async def _messages(
    consumer: AIOKafkaConsumer, place: TopicPartition, start: int, kind: type[M], unreadable: list[str]
) -> AsyncIterator[M]:
    """What a partition holds from `start` on; `unreadable` gets a sentence of every record that is none of the kind."""
    async for record in read_range(consumer, place, start):
        try:
            yield kind.from_bytes(record.value)
        except MessageError:
            unreadable.append(
                f"{place.topic} partition {place.partition} offset {record.offset} is no {kind.__name__}"
            )


async def _recount(consumer: AIOKafkaConsumer, partition: int, evidence: Evidence, balance: Balance) -> None:
    """Offsets and records differ where producers use transactions, whose markers take offsets too: count records."""
    entries = [entry for entry in evidence.entries if entry.first_offset >= evidence.oldest]
    start = min((entry.first_offset for entry in entries), default=evidence.end)
    place = TopicPartition(VITALS, partition)
    offsets = [record.offset async for record in read_range(consumer, place, start, evidence.end)]

    def records(first: int, after: int) -> int:
        return bisect_left(offsets, after) - bisect_left(offsets, first)

    for entry in entries:
        found = records(entry.first_offset, entry.next_offset)
        if found != entry.received:
            balance.problems.append(
                f"offsets {entry.first_offset} to {entry.next_offset - 1} hold {found} windows, where the ledger "
                f"received {entry.received}"
            )
    balance.balanced = not balance.problems
    balance.pending = records(evidence.end - balance.pending, evidence.end)
