from typing import Any, Final

import pytest

from lemof_stream.settings import Settings
from lemof_stream.worker import lane as lanes
from lemof_stream.worker.lane import Lane

EVERY: Final = 100


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its only element is the time that lanes see, in seconds."""
    now = [0.0]
    monkeypatch.setattr(lanes, "monotonic", lambda: now[0])
    return now


def lane(next_window: int = 0) -> Lane:
    settings = Settings(snapshot_every=EVERY)
    producer: Any = None
    return Lane(0, producer, settings, partitions=4, next_window=next_window, next_feature=0)


def test_the_next_owner_replays_from_the_oldest_window_that_no_snapshot_holds() -> None:
    held = lane(next_window=50)
    assert held.replay_from == 50, "nothing is loose"
    held.loosen("a", 10)
    held.loosen("b", 20)
    held.loosen("a", 30)
    assert held.replay_from == 10


def test_a_stay_is_due_when_its_oldest_loose_window_is_far_behind() -> None:
    held = lane()
    held.loosen("a", 10)
    held.loosen("b", 60)
    held.next_window = 10 + EVERY
    assert held.fasten(0) == []
    held.next_window += 1
    assert held.fasten(0) == ["a"]
    assert held.replay_from == 60
    held.loosen("a", 111)
    assert held.replay_from == 60, "the stay is loose again, behind the others"


def test_in_a_slow_ward_a_stay_is_due_after_an_hour(clock: list[float]) -> None:
    held = lane(next_window=1)
    held.loosen("a", 0)
    clock[0] = 3600.0
    assert held.fasten(0) == []
    clock[0] = 3601.0
    assert held.fasten(0) == ["a"]


def test_stays_that_fall_due_together_are_spread_over_transactions() -> None:
    held = lane(next_window=1000)
    for offset in range(100):
        held.loosen(f"stay-{offset}", offset)
    first = held.fasten(0)
    assert first == [f"stay-{offset}" for offset in range(len(first))]
    assert 0 < len(first) < 100
    assert held.replay_from == len(first)
