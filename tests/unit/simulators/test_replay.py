"""A recorded cohort as a timeline."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lemof_stream.cohorts import Cohort, read_cohort
from lemof_stream.contracts.ehr import Admission, Discharge, Observations
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.errors import ConfigError, DataError
from simulators.feed import ORIGIN, chosen
from simulators.feed import timeline_of as timeline_of_feed
from simulators.replay import CohortFeed
from simulators.timeline import Moment, StayMessage, Timeline
from tests.unit.cohorts.recordings import stay, write


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Three stays: measured in hour 1 and 2, never measured, measured at the end of hour 1."""
    folder = tmp_path_factory.mktemp("recordings")
    stays = {
        "11.txt": stay(11, "00:00,HR,73", "00:00,GCS,15", "00:07,HR,74", "00:07,MAP,80", "01:01,Na,140"),
        "12.txt": stay(12),
        "13.txt": stay(13, "01:00,HR,90", "01:00,Temp,37", weight="70"),
    }
    return read_cohort("physionet2012", write(folder, stays))


def timeline_of(cohort: Cohort, **manner: Any) -> Timeline:
    return timeline_of_feed(CohortFeed(cohort), **manner)


def sent(moments: list[Moment]) -> list[StayMessage]:
    return [message for moment in moments for message in moment.messages]


def told(message: StayMessage) -> tuple[str, str, float, dict[str, float]]:
    """Kind, stay, minutes since admission and values of a message."""
    match message:
        case VitalWindow():
            at, kind, values = message.end, "window", message.channels
        case Observations():
            at, kind, values = message.event_time, "observations", message.values
        case Admission() | Discharge():
            at, kind, values = message.event_time, message.kind, {}
    return kind, message.stay_id, (at - ORIGIN) / timedelta(minutes=1), values


def test_a_cohort_becomes_windows_and_events_in_event_time_order(cohort: Cohort) -> None:
    messages = sent(list(timeline_of(cohort).moments))

    assert [told(message) for message in messages] == [
        ("admission", "11", 0, {}),
        ("admission", "12", 0, {}),
        ("admission", "13", 0, {}),
        ("observations", "11", 0, {"gcs": 15}),
        ("observations", "13", 0, {"weight": 70}),
        ("window", "11", 0, {"heart_rate": 73}),
        ("window", "11", 7, {"heart_rate": 74, "art_map": 80}),
        ("window", "13", 60, {"heart_rate": 90, "temperature": 37}),
        ("discharge", "12", 60, {}),
        ("discharge", "13", 60, {}),
        ("observations", "11", 61, {"sodium": 140}),
        ("discharge", "11", 120, {}),
    ]


def test_a_window_is_the_minute_before_it_ends(cohort: Cohort) -> None:
    windows = [m for m in sent(list(timeline_of(cohort).moments)) if isinstance(m, VitalWindow)]

    assert [w.end - w.start for w in windows] == [timedelta(0), timedelta(minutes=1), timedelta(minutes=1)]
    assert [w.window_id for w in windows] == [f"physionet2012-{n}" for n in ("11-v0", "11-v7", "13-v60")]


def test_the_admission_holds_the_demographics_and_the_ward_is_the_unit(cohort: Cohort) -> None:
    first = sent(list(timeline_of(cohort).moments))[0]

    assert isinstance(first, Admission)
    assert (first.demographics, first.ward) == (cohort.demographics[0], "surgical")


def test_a_timeline_knows_its_end_and_its_size(cohort: Cohort) -> None:
    timeline = timeline_of(cohort)

    assert (timeline.end_s, timeline.messages) == (7200, 12)


SEEDS, SECONDS, SHARES = st.integers(0, 9), st.floats(0, 10_000), st.floats(0, 1)


@settings(deadline=None, max_examples=50)
@given(seed=SEEDS, disorder_s=SECONDS, duplicates=SHARES)
def test_the_same_seed_gives_the_same_messages_in_the_same_order(
    cohort: Cohort, seed: int, disorder_s: float, duplicates: float
) -> None:
    first, second = (
        timeline_of(cohort, disorder_s=disorder_s, duplicates=duplicates, seed=seed) for _ in range(2)
    )

    moments = list(first.moments)
    assert moments == list(second.moments)
    assert len(sent(moments)) == first.messages


@settings(deadline=None, max_examples=50)
@given(seed=SEEDS, disorder_s=SECONDS, duplicates=SHARES)
def test_disorder_holds_back_within_its_bound_and_neither_loses_nor_changes_a_message(
    cohort: Cohort, seed: int, disorder_s: float, duplicates: float
) -> None:
    timeline = timeline_of(cohort, disorder_s=disorder_s, duplicates=duplicates, seed=seed)

    moments = list(timeline.moments)

    plain = {message.to_bytes() for message in sent(list(timeline_of(cohort).moments))}
    copies = Counter(message.to_bytes() for message in sent(moments))
    assert set(copies) == plain
    assert set(copies.values()) <= {1, 2}
    assert [m.at_s for m in moments] == sorted({m.at_s for m in moments})
    for moment in moments:
        for message in moment.messages:
            _, _, minute, _ = told(message)
            # A moment gathers what is due within one second, and is sent at its end.
            assert minute * 60 <= moment.at_s <= minute * 60 + disorder_s + 1


def test_every_message_can_be_sent_twice(cohort: Cohort) -> None:
    copies = Counter(m.to_bytes() for m in sent(list(timeline_of(cohort, duplicates=1.0).moments)))

    assert set(copies.values()) == {2}


def test_stays_that_start_one_after_another_keep_their_own_time(cohort: Cohort) -> None:
    together = sent(list(timeline_of(cohort).moments))
    apart = sent(list(timeline_of_feed(CohortFeed(cohort, start_min=90)).moments))

    rows = {stay_id: row for row, stay_id in enumerate(cohort.stay_ids)}
    assert all(m.admitted_at == ORIGIN + timedelta(minutes=90 * rows[m.stay_id]) for m in apart)

    def own_time(message: StayMessage) -> tuple[str, str, float, dict[str, float]]:
        kind, stay_id, minute, values = told(message)
        return kind, stay_id, minute - (message.admitted_at - ORIGIN) / timedelta(minutes=1), values

    assert sorted(map(own_time, apart)) == sorted(map(told, together))
    assert [told(m)[2] for m in apart] == sorted(told(m)[2] for m in apart)


def test_gaps_leave_stretches_of_windows_out_the_same_whichever_stays_are_sent(data_dir: Path) -> None:
    cohort = read_cohort("physionet2012", data_dir / "physionet2012" / "set-a.tar.xz").take(range(60))

    def windows(of: Cohort, gaps: float) -> set[str]:
        messages = sent(list(timeline_of(of, gaps=gaps, gap_min=180, seed=3).moments))
        return {m.window_id for m in messages if isinstance(m, VitalWindow)}

    whole, left = windows(cohort, 0.0), windows(cohort, 0.3)
    assert left < whole
    assert 0.6 < len(left) / len(whole) < 0.8
    assert windows(cohort.take(range(30, 60)), 0.3) < left
    assert windows(cohort, 1.0) == set()
    events = sent(list(timeline_of(cohort, gaps=1.0).moments))
    assert len(events) == len(sent(list(timeline_of(cohort).moments))) - len(whole)


@settings(deadline=None, max_examples=50)
@given(second=st.floats(0, 7200), disorder_s=SECONDS)
def test_a_timeline_can_be_taken_up_at_any_second(cohort: Cohort, second: float, disorder_s: float) -> None:
    timeline = timeline_of(cohort, disorder_s=disorder_s)
    assert timeline.moments_from is not None

    rest = list(timeline.moments_from(second))

    assert rest == [moment for moment in timeline.moments if moment.at_s >= int(second)]


def test_stays_are_chosen_by_name_and_from_the_first(cohort: Cohort) -> None:
    assert chosen(cohort.stay_ids, (), None) == [0, 1, 2]
    assert chosen(cohort.stay_ids, (), 2) == [0, 1]
    assert chosen(cohort.stay_ids, ("13", "12", "13"), None) == [1, 2]


def test_a_stay_that_is_not_there_is_one_sentence(cohort: Cohort) -> None:
    with pytest.raises(
        ConfigError, match="The stay 99 is not among the 3 stays that were read; check --stay"
    ):
        chosen(cohort.stay_ids, ("99",), None)


def test_every_value_of_a_recording_is_sent_once(data_dir: Path) -> None:
    cohort = read_cohort("physionet2012", data_dir / "physionet2012" / "set-a.tar.xz").take(range(100))

    messages = sent(list(timeline_of(cohort).moments))

    values = sum(len(told(message)[3]) for message in messages)
    assert values == len(cohort.value)
    ids = [m.window_id if isinstance(m, VitalWindow) else m.event_id for m in messages]
    assert len(set(ids)) == len(ids)


def test_a_stay_whose_name_cannot_be_a_key_is_told_before_anything_is_sent(cohort: Cohort) -> None:
    strange = replace(cohort, stay_ids=("11", "p 12", "13"))
    with pytest.raises(DataError, match="'p 12' cannot be sent"):
        timeline_of(strange)
