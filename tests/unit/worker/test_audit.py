from typing import Any

from lemof_stream.contracts.operations import LedgerEntry
from lemof_stream.worker.audit import Evidence, judge


def entry(first: int, after: int, *, late: int = 0, rejected: int = 0) -> LedgerEntry:
    received = after - first
    return LedgerEntry(
        group="g",
        topic="t",
        partition=0,
        first_offset=first,
        next_offset=after,
        received=received,
        predicted=received - late - rejected,
        duplicate=0,
        late=late,
        rejected=rejected,
    )


def evidence(*entries: LedgerEntry, **others: Any) -> Evidence:
    covered = max((entry.next_offset for entry in entries), default=0)
    facts: dict[str, Any] = {"oldest": 0, "end": covered, "committed": covered}
    facts |= {"letters": (), "letters_complete": True}
    return Evidence(entries=entries, **(facts | others))


def test_entries_that_follow_one_another_balance() -> None:
    balance = judge(
        evidence(entry(0, 10), entry(10, 10), entry(10, 25, late=1, rejected=2), letters=[11, 12, 24])
    )
    assert balance.balanced, balance.problems
    assert (balance.received, balance.predicted, balance.late, balance.rejected) == (25, 22, 1, 2)


def test_what_was_not_taken_yet_is_pending_and_no_fault() -> None:
    balance = judge(evidence(entry(0, 10), end=14))
    assert (balance.balanced, balance.pending) == (True, 4)


def test_nothing_at_all_balances() -> None:
    assert judge(evidence(committed=None)).balanced


def test_a_gap_is_named() -> None:
    balance = judge(evidence(entry(0, 10), entry(12, 20)))
    assert not balance.balanced
    assert balance.problems == ["offsets 10 to 11 were never received"]


def test_an_overlap_is_named() -> None:
    [problem] = judge(evidence(entry(0, 10), entry(8, 20))).problems
    assert problem == "offsets 8 to 9 are in the ledger more than once"


def test_windows_before_the_first_entry_are_missed_only_while_kafka_keeps_them() -> None:
    assert judge(evidence(entry(5, 10), oldest=5)).balanced
    assert not judge(evidence(entry(5, 10), oldest=4)).balanced


def test_a_commit_without_an_entry_is_named() -> None:
    [problem] = judge(evidence(entry(0, 10), committed=12, end=12)).problems
    assert problem == "offsets 10 to 11 are committed and not in the ledger"


def test_a_ledger_beyond_the_end_of_the_input_is_named() -> None:
    assert not judge(evidence(entry(0, 10), end=9, committed=9)).balanced


def test_every_late_or_rejected_window_needs_its_dead_letter() -> None:
    assert not judge(evidence(entry(0, 10, late=1))).balanced
    assert not judge(evidence(entry(0, 10), letters=[3])).balanced
    assert not judge(evidence(entry(0, 10, rejected=1), letters=[3, 3])).balanced


def test_a_record_that_cannot_be_read_is_a_problem() -> None:
    balance = judge(evidence(entry(0, 10), unreadable=["ledger.v1 partition 0 offset 3 is no LedgerEntry"]))
    assert not balance.balanced
    assert balance.problems == ["ledger.v1 partition 0 offset 3 is no LedgerEntry"]


def test_letters_that_retention_deleted_are_not_missed() -> None:
    parts = entry(0, 10, late=2), entry(10, 20, late=1)
    assert judge(evidence(*parts, letters=[15], letters_complete=False)).balanced
