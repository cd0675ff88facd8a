from types import SimpleNamespace
from typing import Any, Final

from lemof_stream.contracts.topics import EHR_FEATURES, VITALS
from lemof_stream.worker.quarantine import Quarantine

USUAL: Final = 500


def lane(next_window: int = 0, next_feature: int = 0) -> Any:
    return SimpleNamespace(next_window=next_window, next_feature=next_feature)


def test_without_suspects_all_lanes_run_together() -> None:
    lanes = {0: lane(), 1: lane()}
    assert Quarantine().chosen(lanes, USUAL) == (lanes, USUAL)


def test_after_a_broken_cycle_its_partitions_run_alone_and_in_ever_smaller_parts() -> None:
    quarantine, lanes = Quarantine(), {0: lane(), 1: lane()}
    for broken, part in ((USUAL, 31), (31, 1), (2, 1)):
        assert quarantine.broke_on([(VITALS, 1, offset) for offset in range(broken)]) is None
        assert quarantine.chosen(lanes, USUAL) == ({1: lanes[1]}, part)
        assert (quarantine.chunk(1, USUAL), quarantine.chunk(0, USUAL)) == (part, USUAL)


def test_the_input_that_breaks_a_cycle_alone_is_the_culprit() -> None:
    quarantine = Quarantine()
    quarantine.broke_on([(VITALS, 1, 7), (EHR_FEATURES, 1, 3)])
    assert quarantine.broke_on([(VITALS, 1, 7)]) == (VITALS, 1, 7)
    assert (VITALS, 1, 7) in quarantine.poisoned
    assert (EHR_FEATURES, 1, 3) not in quarantine.poisoned
    assert quarantine.chunk(1, USUAL) == USUAL


def test_suspects_that_a_lane_is_past_are_cleared_on_either_topic() -> None:
    quarantine = Quarantine()
    quarantine.broke_on([(VITALS, 1, 7), (EHR_FEATURES, 1, 3)])
    quarantine.clear({1: lane(next_window=8, next_feature=3)})
    assert quarantine.chunk(1, USUAL) == 1
    quarantine.clear({1: lane(next_window=8, next_feature=4)})
    assert quarantine.chunk(1, USUAL) == USUAL


def test_suspects_of_a_partition_that_goes_to_another_process_are_its_concern() -> None:
    quarantine = Quarantine()
    quarantine.broke_on([(VITALS, 1, 7), (VITALS, 1, 8)])
    quarantine.keep_only({0})
    assert quarantine.chunk(1, USUAL) == USUAL
