"""What a cycle does with windows that have to wait for room in the runner, and when the runner breaks on them."""

from typing import Any, Final

import pytest
from aiokafka import ConsumerRecord

from lemof_stream.contracts.operations import LedgerEntry
from lemof_stream.contracts.topics import DEAD_LETTERS, LEDGER, PREDICTIONS, VITALS, partition_of
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.runner.runner import Runner
from lemof_stream.runner.stepper import Stepper
from lemof_stream.settings import Settings
from lemof_stream.worker.cycle import LaneWork, PoisonError, run_cycle
from lemof_stream.worker.lane import Lane
from tests.streams import at, window

GROUP: Final = "group"
WAITS, OTHER = [stay for stay in map(str, range(100)) if partition_of(stay, 4) == 0][:2]
BEYOND: Final = 60 * 50
"""A minute that opens a step for which the first has to leave the sliding window of 48."""


@pytest.fixture
def lane() -> Lane:
    producer: Any = None
    return Lane(0, producer, Settings(idle_ms=0), partitions=4, next_window=0, next_feature=0)


def cycle(runner: Runner, lane: Lane, *windows: VitalWindow) -> LaneWork:
    """A cycle of these windows, at the offsets that are next."""
    lane.receive(
        [
            ConsumerRecord(
                VITALS, 0, lane.next_window + place, 0, 0, own.stay_id.encode(), own.to_bytes(), None, 0, 0, ()
            )
            for place, own in enumerate(windows)
        ]
    )  # fmt: skip
    [work] = run_cycle(runner, GROUP, {0: lane}, 1000, {0: True}, ())
    return work


def ledger(work: LaneWork) -> LedgerEntry:
    [(_, value, _)] = work.records[LEDGER]
    return LedgerEntry.from_bytes(value)


def test_a_window_that_waits_for_room_is_accounted_for_and_replayed_though_it_is_decided_last(
    runner: Runner, lane: Lane
) -> None:
    cycle(runner, lane, window(WAITS, 10))
    assert lane.fasten_oldest() == WAITS, "as if it had been snapshotted"
    work = cycle(runner, lane, window(WAITS, BEYOND), window(OTHER, 10), window(OTHER, 20, heart_rate=9e9))
    entry = ledger(work)
    assert (entry.first_offset, entry.next_offset) == (1, 4)
    assert (entry.received, entry.predicted, entry.rejected) == (3, 2, 1)
    assert lane.replay_from == 1, "the window that waited, not the one that was decided first"
    assert lane.last_window == at(10).timestamp(), "of the last window in the topic's order"
    assert work.refusals == {"implausible": 1}
    assert len(work.records[DEAD_LETTERS]) == 1
    assert len(work.records[PREDICTIONS]) > 2, "the steps between, and the open ones"


def test_a_runner_that_breaks_when_it_makes_room_names_all_inputs_of_the_cycle(
    runner: Runner, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    cycle(runner, lane, window(WAITS, 10))

    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Stepper, "make_room", breaks)
    with pytest.raises(PoisonError) as caught:
        cycle(runner, lane, window(WAITS, BEYOND), window(OTHER, 10), window(OTHER, 20, heart_rate=9e9))
    assert caught.value.origins == [(VITALS, 0, offset) for offset in (1, 2, 3)]
