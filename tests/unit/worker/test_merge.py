from collections.abc import Iterable
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from lemof_stream.worker.merge import AT_ONCE, LONGEST_WAIT, VITALS_QUIET_S, EventTimeMerge

SLACK_S: Final = 30.0
IDLE_S: Final = 5.0
ALL: Final = 1_000_000
LONG: Final = 1e9

Queue = Iterable[tuple[float, str]]
times = st.lists(st.integers(0, 50).map(float), max_size=30)


def merge(vitals: Queue = (), ehr: Queue = ()) -> EventTimeMerge[str]:
    filled: EventTimeMerge[str] = EventTimeMerge(SLACK_S, IDLE_S)
    for time, item in vitals:
        filled.add_vitals(time, item)
    for time, item in ehr:
        filled.add_ehr(time, item)
        filled.ehr_reached(time, now=0)
    return filled


def taken(of: EventTimeMerge[str], now: float = 0.0, *, at_end: bool = False, limit: int = ALL) -> list[str]:
    return list(of.take(limit, now, vitals_at_end=at_end))


def test_the_earlier_head_goes_first_and_at_the_same_time_the_window() -> None:
    both = merge([(10, "v10"), (30, "v30")], [(10, "e10"), (20, "e20"), (40, "e40")])
    assert taken(both) == ["v10", "e10", "e20", "v30"]


def test_a_window_waits_while_the_ehr_feed_is_behind_by_more_than_the_slack() -> None:
    waiting = merge([(100, "v")])
    assert taken(waiting, now=0) == []
    waiting.ehr_reached(100 - SLACK_S - 1, now=1)
    assert taken(waiting, now=1) == []
    waiting.ehr_reached(100 - SLACK_S, now=2)
    assert taken(waiting, now=2) == ["v"]


def test_a_wait_ends_when_the_ehr_feed_shows_no_progress_for_the_idle_time() -> None:
    waiting = merge([(1000, "v1"), (1060, "v2")])
    assert taken(waiting, now=0) == []
    waiting.ehr_reached(1, now=IDLE_S - 1)
    assert taken(waiting, now=IDLE_S) == [], "progress begins the idle time anew"
    assert taken(waiting, now=2 * IDLE_S - 1) == ["v1", "v2"], "a feed that is down delays a ward once"


def test_a_feed_that_comes_back_is_waited_for_again() -> None:
    waiting = merge([(1000, "v1")])
    assert taken(waiting, now=0) == []
    assert taken(waiting, now=IDLE_S) == ["v1"]
    waiting.ehr_reached(500, now=IDLE_S)
    waiting.add_vitals(1060, "v2")
    assert taken(waiting, now=IDLE_S) == []


def test_a_clock_that_runs_ahead_holds_a_living_feed_up_once() -> None:
    ahead = merge([(LONG, "ahead"), (60, "honest")])
    now = 0.0
    while not taken(ahead, now, limit=1):
        now += IDLE_S / 2
        ahead.ehr_reached(now, now)
    assert now == LONGEST_WAIT * IDLE_S
    assert taken(ahead, now) == ["honest"]
    ahead.add_vitals(LONG + 60, "ahead again")
    assert taken(ahead, now) == ["ahead again"]


def test_an_ehr_record_waits_for_windows_until_their_topic_is_at_its_end_and_quiet() -> None:
    waiting = merge(ehr=[(10, "e")])
    assert taken(waiting, now=LONG) == [], "windows are still to be fetched"
    assert taken(waiting, now=LONG, at_end=True) == []
    assert taken(waiting, now=LONG + VITALS_QUIET_S, at_end=True) == ["e"]


def test_an_ehr_record_of_tomorrow_holds_its_feed_up_for_the_idle_time_though_windows_keep_coming() -> None:
    feed = merge(
        [(10, "v0")], [(LONG, "tomorrow"), (3, "honest"), (LONG, "tomorrow again"), (4, "honest too")]
    )
    out: dict[str, float] = {}
    for second in range(1, 30):
        feed.add_vitals(float(second), f"v{second}")
        out |= dict.fromkeys(taken(feed, now=float(second), at_end=True), second)
    records = {item: second for item, second in out.items() if item[0] != "v"}
    assert records == {
        "tomorrow": 1 + IDLE_S,
        "honest": 1 + IDLE_S,
        "tomorrow again": 1 + 2 * IDLE_S,
        "honest too": 1 + 2 * IDLE_S,
    }


def test_a_window_that_comes_meanwhile_goes_first() -> None:
    waiting = merge(ehr=[(10, "e")])
    assert taken(waiting, now=0, at_end=True) == []
    waiting.add_vitals(5, "v")
    assert taken(waiting, now=1, at_end=True) == ["v"]
    assert taken(waiting, now=1, at_end=True) == [], "the quiet time begins anew"


def test_the_clock_is_before_what_waits_and_before_what_may_follow_of_the_instant_last_taken() -> None:
    both = merge([(10, "a10"), (10, "b10")], [(60, "e60")])
    both.ehr_reached(90, now=0)
    assert taken(both, limit=1) == ["a10"]
    assert 9 < both.clock(vitals_at_end=False) < 10, "b10 waits"
    assert taken(both, limit=1) == ["b10"]
    assert 9 < both.clock(vitals_at_end=False) < 10, "c10 may follow"
    assert 59 < both.clock(vitals_at_end=True) < 60, "e60 waits"
    assert taken(both, now=LONG, at_end=True) == ["e60"]
    assert both.clock(vitals_at_end=True) == 90


def test_what_has_no_event_time_is_taken_at_once() -> None:
    assert taken(merge([(AT_ONCE, "unreadable")])) == ["unreadable"]
    assert taken(merge(ehr=[(AT_ONCE, "watermark")])) == ["watermark"]


def test_no_more_than_the_limit_is_taken() -> None:
    many = merge(ehr=[(AT_ONCE, str(number)) for number in range(10)])
    assert taken(many, limit=3) == ["0", "1", "2"]
    assert (many.vitals_held, many.ehr_held) == (0, 7)


@given(times, times)
def test_nothing_is_lost_and_each_topic_keeps_its_order(vitals: list[float], ehr: list[float]) -> None:
    windows = [(time, f"v{index}") for index, time in enumerate(vitals)]
    records = [(time, f"e{index}") for index, time in enumerate(ehr)]
    both = merge(windows, records)
    out = [item for now in (0.0, IDLE_S, IDLE_S + 1, IDLE_S + 2) for item in taken(both, now, at_end=True)]
    assert [item for item in out if item[0] == "v"] == [item for _, item in windows]
    assert [item for item in out if item[0] == "e"] == [item for _, item in records]


@given(times.map(sorted), times.map(sorted))
def test_two_feeds_that_are_in_order_come_out_in_order(vitals: list[float], ehr: list[float]) -> None:
    time_of = {f"v{index}": time for index, time in enumerate(vitals)}
    time_of |= {f"e{index}": time for index, time in enumerate(ehr)}
    both: EventTimeMerge[str] = EventTimeMerge(0, IDLE_S)
    for name, time in time_of.items():
        if name[0] == "v":
            both.add_vitals(time, name)
        else:
            both.add_ehr(time, name)
            both.ehr_reached(time, now=0)
    out = [item for now in (0.0, IDLE_S, IDLE_S + 1, IDLE_S + 2) for item in taken(both, now, at_end=True)]
    assert [time_of[item] for item in out] == sorted(time_of.values())
