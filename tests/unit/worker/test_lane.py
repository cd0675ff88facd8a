from typing import Any, Final

import pytest
from aiokafka import ConsumerRecord

from lemof_stream.contracts.ehr import Watermark
from lemof_stream.contracts.topics import EHR_FEATURES, VITALS, partition_of
from lemof_stream.settings import Settings
from lemof_stream.worker import lane as lanes
from lemof_stream.worker.ehr_fold import stay_key, watermark_key
from lemof_stream.worker.lane import Lane
from lemof_stream.worker.merge import VITALS_QUIET_S
from tests.streams import at, discharge, window

EVERY: Final = 100
BED: Final = next(stay for stay in map(str, range(100)) if partition_of(stay, 4) == 0)


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


def record(topic: str, offset: int, key: bytes, value: bytes) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(topic, 0, offset, 0, 0, key, value, None, len(key), len(value), ())


def test_the_next_owner_replays_from_the_oldest_window_that_no_snapshot_holds() -> None:
    held = lane(next_window=50)
    assert held.replay_from == 50, "nothing is loose"
    held.loosen("a", 10)
    held.loosen("b", 20)
    held.loosen("a", 30)
    assert held.replay_from == 10


def test_a_window_that_waited_for_room_is_replayed_though_others_were_loosened_before_it() -> None:
    held = lane(next_window=50)
    held.loosen("a", 20)
    held.loosen("b", 10)
    held.loosen("c", 30)
    assert held.replay_from == 10
    held.next_window = 11 + EVERY
    assert held.fasten(0) == ["b"]
    assert held.replay_from == 20


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


def test_time_does_not_come_to_a_discharge_before_it_is_taken(clock: list[float]) -> None:
    held = lane()
    windows = [record(VITALS, 0, BED.encode(), window(BED, 30).to_bytes())]
    held.receive(windows)
    held.receive(
        [
            record(EHR_FEATURES, 0, stay_key(BED), discharge(BED, 120).to_bytes()),
            record(EHR_FEATURES, 1, watermark_key(0), Watermark(event_time=at(120)).to_bytes()),
        ]
    )
    assert len(list(held.take(10, vitals_at_end=True))) == len(windows)
    assert list(held.take(10, vitals_at_end=True)) == []
    assert held.tick(vitals_at_end=True) == at(119), "the discharge waits whether more windows come"
    clock[0] = VITALS_QUIET_S
    assert len(list(held.take(10, vitals_at_end=True))) == 2
    assert held.tick(vitals_at_end=True) == at(120)
