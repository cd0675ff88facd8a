"""Each kind of fault does what its name says, to what it is said to touch, and to nothing else."""

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from lemof_stream.contracts.topics import partition_of
from lemof_stream.runner.cycle import WindowInput
from lemof_stream.runner.intake import refusal
from lemof_stream.worker.arrivals import read_arrival
from simulators.faults.scenario import inject
from simulators.faults.sending import Broken, Sending, moments_of, sendings_of
from tests.unit.simulators.faults.wards import BEDS, clean, scenario

CLEAN: Final = clean()
PARTITIONS: Final = 4
DUPLICATES: Final = {"kind": "duplicates", "start_min": 60, "length_min": 60, "share": 0.2, "within_min": 30}
REORDER: Final = {"kind": "reorder", "start_min": 60, "length_min": 60, "share": 0.5, "within_min": 30}
DROP: Final = {"kind": "drop", "start_min": 60, "length_min": 60, "share": 0.2}
CORRUPT: Final = {
    "kind": "corrupt", "start_min": 60, "length_min": 60, "share": 0.5, "how": ["json", "key", "value"]
}  # fmt: skip
DELAY: Final = {"kind": "delay", "start_min": 60, "length_min": 60, "beds": 0.5, "by_min": 30}
SKEW: Final = {"kind": "clock_skew", "start_min": 60, "length_min": 60, "beds": 0.5, "by_min": 20}
SILENCE: Final = {"kind": "silence", "start_min": 60, "length_min": 60, "beds": 0.5}
ALL: Final = (DUPLICATES, REORDER, DROP, CORRUPT, DELAY, SKEW, SILENCE)


def during(sending: Sending) -> bool:
    return 60 <= sending.due_s / 60 < 120


def injected(*faults: dict[str, Any], seed: int = 0) -> tuple[list[Sending], list[str]]:
    """The sendings, and the stays that the last fault touched."""
    sendings, done = inject(scenario(*faults, seed=seed), CLEAN)
    return sendings, done[-1].stays


def values(sendings: list[Sending]) -> Counter[bytes]:
    return Counter(s.message.to_bytes() for s in sendings if not isinstance(s.message, Broken))


@settings(max_examples=20, deadline=None)
@given(faults=st.permutations(ALL), seed=st.integers(0, 2**32))
def test_faults_compose_in_any_order_and_the_same_seed_gives_the_same(
    faults: list[dict[str, Any]], seed: int
) -> None:
    sendings, done = inject(scenario(*faults, seed=seed), CLEAN)

    assert inject(scenario(*faults, seed=seed), CLEAN) == (sendings, done)
    assert [sending.at_s for sending in sendings] == sorted(sending.at_s for sending in sendings)
    outside = [sending for sending in CLEAN if not during(sending)]
    assert [sending for sending in sendings if not during(sending)] == outside


def test_duplicates_come_once_more_within_their_time() -> None:
    sendings, touched = injected(DUPLICATES)

    copies = values(sendings) - values(CLEAN)
    assert copies.total() == len(touched) == len(sendings) - len(CLEAN)
    assert set(copies.values()) == {1}
    assert all(0 <= sending.at_s - sending.due_s <= 30 * 60 for sending in sendings)


@pytest.mark.parametrize("fault", [REORDER, DELAY])
def test_what_is_held_back_arrives_whole_and_within_its_time(fault: dict[str, Any]) -> None:
    sendings, touched = injected(fault)

    assert values(sendings) == values(CLEAN)
    held = [sending.at_s - sending.due_s for sending in sendings if sending.at_s > sending.due_s]
    assert len(held) == len(touched)
    assert max(held) <= 30 * 60
    assert sendings != CLEAN


def test_a_delayed_bed_keeps_its_order() -> None:
    sendings, touched = injected(DELAY)

    ends = [s.window.end for s in sendings if s.window is not None and s.window.stay_id == touched[0]]
    before = [end for end in ends if end <= ends[0] + timedelta(minutes=59)]
    assert before == sorted(before)
    assert set(touched) == {s.message.stay_id for s in sendings if s.at_s != s.due_s}


def test_dropped_messages_are_gone_and_no_others() -> None:
    sendings, touched = injected(DROP)

    assert len(sendings) == len(CLEAN) - len(touched)
    assert not values(sendings) - values(CLEAN)


def test_silent_beds_send_no_windows_and_their_record_goes_on() -> None:
    sendings, touched = injected(SILENCE)

    silent = set(touched)
    assert len(silent) == BEDS / 2
    gone = values(CLEAN) - values(sendings)
    assert gone == values(
        [s for s in CLEAN if during(s) and s.window is not None and s.window.stay_id in silent]
    )


def test_a_clock_that_is_off_moves_the_windows_of_its_bed_and_nothing_else_of_them() -> None:
    sendings, touched = injected(SKEW)

    skewed = [(a, b) for a, b in zip(CLEAN, sendings, strict=True) if a != b]
    assert len(skewed) == len(touched)
    by = timedelta(minutes=20)
    for before, after in skewed:
        window = before.window
        assert window is not None
        assert after.window == window.model_copy(update={"start": window.start + by, "end": window.end + by})


def test_what_arrives_broken_is_refused_for_the_reason_that_is_expected() -> None:
    sendings, touched = injected(CORRUPT)

    broken = [sending.message for sending in sendings if isinstance(sending.message, Broken)]
    assert len(broken) == len(touched)
    assert {_refused(message) for message in broken} == {"unreadable", "implausible"}
    assert all(_refused(message) == message.reason for message in broken)
    assert len({message.raw.key == message.stay_id.encode() for message in broken}) == 2


def test_moments_hold_every_sending_in_order_broken_ones_apart() -> None:
    sendings, _ = injected(REORDER, CORRUPT)

    moments = list(moments_of(sendings))
    assert [moment.at_s for moment in moments] == sorted({moment.at_s for moment in moments})
    assert sum(len(moment.messages) + len(moment.raw) for moment in moments) == len(sendings)
    assert sendings_of(moments_of(CLEAN)) == CLEAN


def _refused(message: Broken) -> str | None:
    """What the worker's own reading says of the bytes."""
    raw = message.raw
    record = ConsumerRecord(
        topic=raw.topic, partition=partition_of(raw.stay_id, PARTITIONS), offset=0, timestamp=0, timestamp_type=0,
        key=raw.key, value=raw.value, checksum=None, serialized_key_size=0, serialized_value_size=0, headers=(),
    )  # fmt: skip
    arrival = read_arrival(record, PARTITIONS)
    if arrival.refusal is not None:
        return arrival.refusal.reason
    assert isinstance(arrival.input, WindowInput)
    verdict = refusal(arrival.input.window.channels)
    return None if verdict is None else verdict.reason
