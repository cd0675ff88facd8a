from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemof_stream.contracts.ehr import (
    Admission,
    Demographics,
    Discharge,
    HourRecord,
    Observations,
    StayRecord,
    Transfer,
    Watermark,
)
from lemof_stream.errors import MessageError
from lemof_stream.worker.ehr_fold import (
    fold_hour,
    fold_stay,
    fold_watermark,
    hour_key,
    hour_of,
    refuse_implausible,
    stay_key,
    watermark_key,
)

ADMITTED = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
StayEvent = Admission | Transfer | Discharge


def at(minutes: float) -> datetime:
    return ADMITTED + timedelta(minutes=minutes)


def observations(event_id: str, minutes: float = 30, ward: str = "A", **values: float) -> Observations:
    return Observations(
        event_id=event_id,
        stay_id="s1",
        ward=ward,
        admitted_at=ADMITTED,
        event_time=at(minutes),
        values=values or {"lactate": 2.5},
    )


def stay_event(kind: type[StayEvent], event_id: str, minutes: float, ward: str, age: float = 70) -> StayEvent:
    told = {"demographics": Demographics(age=age)} if kind is Admission else {}
    return kind.model_validate(
        {
            "event_id": event_id,
            "stay_id": "s1",
            "ward": ward,
            "admitted_at": ADMITTED,
            "event_time": at(minutes),
        }
        | told
    )


def folded_hour(events: list[Observations]) -> HourRecord:
    record = None
    for event in events:
        record = fold_hour(record, event) or record
    assert record is not None
    return record


def folded_stay(events: list[StayEvent]) -> StayRecord:
    record = None
    for event in events:
        record = fold_stay(record, event) or record
    assert record is not None
    return record


@pytest.mark.parametrize(
    ("minutes", "hour"), [(0, 1), (0.01, 1), (60, 1), (60.01, 2), (61, 2), (120, 2), (2880, 48), (2881, 49)]
)
def test_hour_k_covers_the_minutes_after_60_k_minus_1_up_to_60_k(minutes: float, hour: int) -> None:
    assert hour_of(at(minutes), ADMITTED) == hour


def test_keys_part_the_stay_from_the_rest_with_a_bar() -> None:
    assert stay_key("s1") == b"s1|stay"
    assert hour_key("s1", 12) == b"s1|h0012"
    assert watermark_key(3) == b"watermark|3"


def test_observations_found_the_record_of_their_hour() -> None:
    record = fold_hour(None, observations("e1", 75, lactate=2.5, ph=7.3))

    assert record is not None
    assert (record.hour, record.event_time, record.ward) == (2, at(75), "A")
    assert [(o.event_id, o.at, o.values) for o in record.observations] == [
        ("e1", at(75), {"lactate": 2.5, "ph": 7.3})
    ]


def test_an_observation_that_comes_twice_counts_once() -> None:
    record = fold_hour(None, observations("e1"))

    assert fold_hour(record, observations("e1")) is None


@given(
    events=st.lists(
        st.builds(
            observations,
            st.uuids().map(str),
            st.integers(1, 60),
            st.sampled_from(["A", "B", "C"]),
            lactate=st.floats(0.2, 25),
        ),
        min_size=1,
        max_size=6,
    ),
    data=st.data(),
)
def test_an_hour_does_not_depend_on_the_order_of_its_events_or_on_repeats(
    events: list[Observations], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(events + events[:2]))

    first, second = folded_hour(events), folded_hour(shuffled)

    same_time = {"event_time": ADMITTED}
    assert first.model_copy(update=same_time) == second.model_copy(update=same_time)


def test_a_stay_does_not_depend_on_the_order_of_its_events() -> None:
    events = [
        stay_event(Admission, "e1", 0, "A", age=70),
        stay_event(Admission, "e2", 5, "A", age=71),
        stay_event(Transfer, "e3", 90, "B"),
        stay_event(Transfer, "e4", 90, "C"),
        stay_event(Discharge, "e5", 500, "D"),
        stay_event(Discharge, "e6", 510, "E"),
    ]
    expected = folded_stay(events).model_copy(update={"event_time": ADMITTED})

    for shuffled in permutations(events):
        assert folded_stay(list(shuffled)).model_copy(update={"event_time": ADMITTED}) == expected
    assert expected.demographics == Demographics(age=71)
    assert (expected.ward, expected.ward_since, expected.discharged_at) == ("C", at(90), at(510))
    assert expected.event_ids == ("e1", "e2", "e3", "e4", "e5", "e6")


def test_discharges_alone_do_not_depend_on_their_order() -> None:
    events = [
        stay_event(Discharge, f"e{i}", minutes, ward)
        for i, minutes, ward in [(1, 9, "Z"), (2, 9, "B"), (3, 8, "C")]
    ]

    wards = {folded_stay(list(order)).ward for order in permutations(events)}

    assert wards == {"Z"}


def test_a_stay_event_that_comes_twice_counts_once() -> None:
    admission = stay_event(Admission, "e1", 0, "A")

    assert fold_stay(fold_stay(None, admission), admission) is None


def test_a_watermark_never_goes_back() -> None:
    early, late = Watermark(event_time=at(1)), Watermark(event_time=at(2))

    assert fold_watermark(None, early) == early
    assert fold_watermark(early, late) == late
    assert fold_watermark(late, early) is None
    assert fold_watermark(late, late) is None


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        (observations("e1", potassium=9e9), "potassium"),
        (observations("e1", glucose=0.0), "glucose"),
        (observations("e1", heart_rate=80.0), "none of the EHR channels"),
        (observations("e1", shoe_size=44.0), "none of the EHR channels"),
        (observations("e1", -1), "precede"),
    ],
)
def test_impossible_observations_are_refused_without_naming_the_value(
    event: Observations, complaint: str
) -> None:
    with pytest.raises(MessageError, match=complaint) as caught:
        refuse_implausible(event)

    assert caught.value.reason == "implausible"
    assert "s1" not in str(caught.value)


def test_a_value_that_is_possible_but_not_plausible_goes_on() -> None:
    refuse_implausible(observations("e1", potassium=25.0))


def test_a_channel_goes_on_whichever_checkpoint_reads_it() -> None:
    refuse_implausible(observations("e1", calcium_ionized=1.15, crp=200.0))
