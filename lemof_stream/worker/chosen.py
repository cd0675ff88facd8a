"""Which checkpoint a group is to run, and which it runs: what `lemof model` reads and writes."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from aiokafka import TopicPartition

from lemof_stream.broker.admin import require_topics
from lemof_stream.contracts.models import ChosenModel, ModelRecord
from lemof_stream.contracts.operations import LedgerEntry
from lemof_stream.contracts.topics import LEDGER, MODELS, partition_of
from lemof_stream.errors import CheckpointError, ConfigError, MessageError
from lemof_stream.worker.reading import range_reader, read_range
from lemof_stream.worker.sending import send_one

# Where to look for the last ledger entry of a group: each takes two offsets, and a shadow's lie between.
_LEDGER_TAIL: Final = 1_000


async def chosen(brokers: str, group: str) -> ModelRecord | None:
    """The group's last record that can be read; None where nobody has chosen.

    Raises:
        BrokerError: no Kafka answers, or topics are missing.
    """
    place = await _place(brokers, group)
    async with range_reader(brokers) as consumer:
        start = (await consumer.beginning_offsets([place]))[place]
        found: ModelRecord | None = None
        async for record in read_range(consumer, place, start):
            if record.key == group.encode():
                with suppress(MessageError):
                    found = ModelRecord.from_bytes(record.value)
    return found


async def in_charge(brokers: str, group: str) -> dict[int, LedgerEntry]:
    """The last transaction of the group in each partition, of those that are not long past.

    Raises:
        BrokerError: no Kafka answers, or topics are missing.
    """
    counts = await require_topics(brokers, LEDGER)
    found: dict[int, LedgerEntry] = {}
    async with range_reader(brokers) as consumer:
        for partition in range(counts[LEDGER]):
            place = TopicPartition(LEDGER, partition)
            oldest, end = await consumer.beginning_offsets([place]), await consumer.end_offsets([place])
            async for record in read_range(consumer, place, max(oldest[place], end[place] - _LEDGER_TAIL)):
                try:
                    entry = LedgerEntry.from_bytes(record.value)
                except MessageError:
                    continue  # `lemof audit` names it
                if entry.group == group:
                    found[partition] = entry
    return found


async def choose(brokers: str, group: str, wanted: ChosenModel) -> ModelRecord:
    """Have the group run this checkpoint; what it was to run before is what a rollback goes back to.

    Raises:
        CheckpointError: it reads other inputs than the model in charge, as far as that is known.
        BrokerError: no Kafka answers, topics are missing, or it does not take the record.
    """
    before = await chosen(brokers, group)
    _require_same_inputs(group, wanted, before, await in_charge(brokers, group))
    previous = None if before is None else before.current
    if before is not None and before.current is not None and before.current.model == wanted.model:
        previous = before.previous  # told again, for runners that could not load it
    record = ModelRecord(group=group, current=wanted, previous=previous, chosen_at=datetime.now(UTC))
    await _write(brokers, record)
    return record


async def roll_back(brokers: str, group: str) -> ModelRecord:
    """Have the group run what it was to run before the last choice; a second time undoes that.

    Raises:
        ConfigError: nothing was ever chosen for this group.
        BrokerError: no Kafka answers, topics are missing, or it does not take the record.
    """
    before = await chosen(brokers, group)
    if before is None:
        raise ConfigError(
            f"There is nothing to roll back in the group {group}, as no model was ever chosen for it; check --group, "
            "or choose one with `lemof model use`."
        )
    record = ModelRecord(
        group=group, current=before.previous, previous=before.current, chosen_at=datetime.now(UTC)
    )
    await _write(brokers, record)
    return record


def _require_same_inputs(
    group: str, wanted: ChosenModel, before: ModelRecord | None, entries: Mapping[int, LedgerEntry]
) -> None:
    """What runs counts; what was chosen only where nothing is known to run."""
    known = {entry.inputs_sha256 for entry in entries.values()} - {None}
    if not known and before is not None and before.current is not None:
        known = {before.current.inputs_sha256}
    if known and wanted.inputs_sha256 not in known:
        raise CheckpointError(
            f"The checkpoint {wanted.folder} reads other inputs than the model that the group {group} runs, whose "
            "stays it would take over; run it in a consumer group of its own."
        )


async def _place(brokers: str, group: str) -> TopicPartition:
    counts = await require_topics(brokers, MODELS)
    return TopicPartition(MODELS, partition_of(group, counts[MODELS]))


async def _write(brokers: str, record: ModelRecord) -> None:
    await send_one(
        brokers,
        await _place(brokers, record.group),
        record.key(),
        record.to_bytes(),
        refusal="Kafka at {brokers} did not take the record ({error}); try again.",
    )
