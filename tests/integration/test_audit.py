"""Guarantee 2 (accounting): faults planted in a copy of a real ledger are found, and the audit says where."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from lemof_stream.contracts.operations import LedgerEntry
from lemof_stream.contracts.topics import LEDGER, partition_of
from lemof_stream.model.predictor import Predictor
from tests.messages import Outgoing, read_all, send
from tests.programs import run_lemof
from tests.streams import sent, window
from tests.topics import PARTITIONS
from tests.workers import GROUP, running, settings, settled

BED: Final = "bed"
PARTITION: Final = partition_of(BED, PARTITIONS)
COPY: Final = "copy"
WINDOWS: Final = 30

Entries = list[LedgerEntry]


async def ledger(brokers: str) -> Entries:
    """The entries of the bed's partition that hold windows, in order."""
    entries = [LedgerEntry.from_bytes(record.value) for record in await read_all(brokers, LEDGER)]
    own = [entry for entry in entries if entry.group == GROUP and entry.partition == PARTITION]
    return [entry for entry in own if entry.received]


async def written(brokers: str, predictor: Predictor) -> Entries:
    """A real ledger of several entries."""
    await send(brokers, [sent(window(BED, minute)) for minute in range(1, WINDOWS + 1)])
    async with running(settings(brokers, cycle_max=5), predictor):
        await settled(brokers, WINDOWS)
    return await ledger(brokers)


async def audited_copy(brokers: str, entries: Sequence[LedgerEntry]) -> tuple[int, dict[str, Any]]:
    """Exit status and report of `lemof audit` on the entries as another group's."""
    copied = (entry.model_copy(update={"group": COPY}) for entry in entries)
    await send(brokers, [Outgoing(LEDGER, BED, entry.to_bytes()) for entry in copied])
    told = run_lemof("audit", "--json", "--group", COPY, "--brokers", brokers)
    return told.returncode, json.loads(told.stdout)


def gap(entries: Entries) -> Entries:
    return [entries[0], *entries[2:]]


def overlap(entries: Entries) -> Entries:
    return [*entries[:2], entries[1], *entries[2:]]


def wrong_count(entries: Entries) -> Entries:
    more = {"received": entries[1].received + 1, "predicted": entries[1].predicted + 1}
    return [entries[0], entries[1].model_copy(update=more), *entries[2:]]


async def test_accounting_a_copy_of_a_real_ledger_balances(topics: str, predictor: Predictor) -> None:
    status, found = await audited_copy(topics, await written(topics, predictor))
    assert (status, found["balanced"], found["received"]) == (0, True, WINDOWS)


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        (gap, "offsets {first} to {last} were never received"),
        (overlap, "offsets {first} to {last} are in the ledger more than once"),
        (wrong_count, "offsets {first} to {last} hold {held} windows, where the ledger received {more}"),
    ],
)
async def test_accounting_what_is_planted_in_a_copy_of_the_ledger_is_found_where_it_is(
    topics: str, predictor: Predictor, plant: Callable[[Entries], Entries], says: str
) -> None:
    entries = await written(topics, predictor)
    faulty = entries[1]
    status, found = await audited_copy(topics, plant(entries))
    where = says.format(
        first=faulty.first_offset,
        last=faulty.next_offset - 1,
        held=faulty.received,
        more=faulty.received + 1,
    )
    assert (status, found["balanced"]) == (1, False)
    assert found["problems"] == [f"partition {PARTITION}: {where}"]
