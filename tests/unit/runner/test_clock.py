"""What time does to stays that nothing comes from."""

from datetime import timedelta

import pytest

from lemof_stream.contracts.predictions import Prediction
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import Elapsed, Erased, Input, WindowInput
from lemof_stream.runner.runner import Runner
from tests.streams import ADMITTED, at
from tests.unit.runner.stays import admission, discharge, labs, last_revisions, vital_window, window

STALE_MIN, WITHHELD_MIN = 120, 480
"""The default limits."""


def told(elapsed: Elapsed) -> list[tuple[int, str]]:
    return [(p.step, p.kind) for p in elapsed.predictions]


def test_a_step_that_the_clock_has_left_behind_is_final_without_a_later_window(runner: Runner) -> None:
    runner.cycle([admission(), window(30)])
    assert told(runner.advance(0, at(59))) == []
    assert told(runner.advance(0, at(60))) == [(1, "final")]
    assert told(runner.advance(0, at(61))) == []


def test_a_window_that_comes_after_its_step_was_closed_by_the_clock_revises_it(runner: Runner) -> None:
    runner.cycle([admission(), window(30)])
    [before] = runner.advance(0, at(60)).predictions
    result = runner.cycle([window(40)])
    [(_, after)] = result.predictions
    assert (after.step, after.kind) == (1, "final")
    assert after.revision > before.revision


def test_what_the_clock_closes_is_what_a_later_window_would_have_closed(predictor: Predictor) -> None:
    by_window, by_clock = Runner(predictor), Runner(predictor)
    inputs: list[Input] = [admission(), *(window(minute) for minute in range(10, 300, 25))]
    expected = last_revisions([by_window.cycle([*inputs, window(301)])])
    by_clock.cycle(inputs)
    [closed] = by_clock.advance(0, at(300)).predictions
    assert closed == expected["s1", 5]


def test_a_silent_bed_goes_stale_then_withheld_and_a_window_brings_it_back(runner: Runner) -> None:
    runner.cycle([admission(), window(30)])
    assert told(runner.advance(0, at(30 + STALE_MIN - 1))) == [(1, "final")]
    stale = runner.advance(0, at(30 + STALE_MIN))
    assert told(stale) == [(3, "stale")]
    assert stale.predictions[0].event_time == at(30)
    withheld = runner.advance(0, at(30 + WITHHELD_MIN))
    assert told(withheld) == [(9, "withheld")]
    assert withheld.predictions[0].predictions == {}
    back = runner.cycle([window(30 + WITHHELD_MIN + 1)])
    assert [(p.step, p.kind) for _, p in back.predictions] == [
        *((step, "final") for step in range(2, 9)),
        (9, "provisional"),
    ]


def test_a_stale_prediction_is_what_the_model_says_of_a_step_without_data(predictor: Predictor) -> None:
    silent, heard = Runner(predictor), Runner(predictor)
    silent.cycle([admission(), window(30)])
    [_, stale] = silent.advance(0, at(180)).predictions
    heard.cycle([admission(), window(30)])
    gone_on = last_revisions([heard.cycle([window(60 * 10)])])
    # at 150 minutes half of the third step is over, so it is close to that step's final and not the same
    for name, value in gone_on["s1", 3].predictions.items():
        assert stale.predictions[name] == pytest.approx(value, rel=0.2)


def test_the_limits_do_not_depend_on_how_coarsely_the_clock_moves(predictor: Predictor) -> None:
    fine, coarse = Runner(predictor), Runner(predictor)
    for runner in (fine, coarse):
        runner.cycle([admission(), window(30)])
    step_by_step = [p for minute in range(31, 700) for p in fine.advance(0, at(minute)).predictions]
    assert step_by_step == coarse.advance(0, at(699)).predictions


def test_laboratory_values_alone_do_not_make_a_silent_bed_heard(runner: Runner) -> None:
    runner.cycle([admission(), window(30)])
    runner.advance(0, at(170))
    result = runner.cycle([labs(175, lactate=4.0)])
    assert [(p.step, p.kind) for _, p in result.predictions] == [(2, "final"), (3, "stale")]
    assert told(runner.advance(0, at(180))) == [(3, "final"), (4, "stale")]


def test_of_one_step_the_last_kind_of_silence_is_said_once(runner: Runner) -> None:
    runner.cycle([admission(), window(30)])
    runner.cycle([labs(700, lactate=4.0)])
    assert told(runner.advance(0, at(701))) == [(12, "withheld")]


def test_revisions_grow_through_silence(runner: Runner) -> None:
    newest: dict[int, int] = {}

    def check(predictions: list[Prediction]) -> None:
        for p in predictions:
            assert p.revision > newest.get(p.step, 0)
            newest[p.step] = p.revision

    for minute in range(5, 2000, 5):
        if not 200 <= minute % 900 <= 800:
            check([p for _, p in runner.cycle([window(minute)]).predictions])
        if minute % 170 == 0:
            check([p for _, p in runner.cycle([labs(minute, lactate=2.0)]).predictions])
        check(runner.advance(0, at(minute)).predictions)


def test_one_silent_bed_holds_no_other_back_and_other_partitions_have_clocks_of_their_own(
    runner: Runner,
) -> None:
    runner.cycle([window(30), window(30, "s2")])
    runner.cycle([window(140, "s2")])
    assert {p.stay_id for p in runner.advance(0, at(150)).predictions if p.kind == "stale"} == {"s1"}
    assert runner.advance(1, at(9000)).predictions == []


def test_a_discharged_stay_is_not_silent_and_leaves_when_nothing_of_it_can_be_revised(runner: Runner) -> None:
    runner.cycle([admission(), window(30), discharge(60)])
    assert runner.advance(0, at(60 + 48 * 60 - 1)) == Elapsed([], [])
    assert runner.advance(0, at(60 + 48 * 60)) == Elapsed([], ["s1"])
    assert runner.stays(0) == []


def test_a_discharge_closes_the_hours_before_it_that_held_nothing(predictor: Predictor) -> None:
    by_window, by_discharge = Runner(predictor), Runner(predictor)
    inputs: list[Input] = [admission(), *(window(minute) for minute in range(10, 300, 25))]
    expected = last_revisions([by_window.cycle([*inputs, window(61 * 60)])])
    by_discharge.cycle([*inputs, discharge(60 * 60)])
    assert told(by_discharge.advance(0, at(60 * 60 - 1))) == []
    closed = by_discharge.advance(0, at(60 * 60)).predictions
    assert [(p.step, p.kind) for p in closed] == [(step, "final") for step in range(6, 61)]
    assert all(p.predictions == expected["s1", p.step].predictions for p in closed)
    assert by_discharge.advance(0, at(61 * 60)).predictions == []


def test_a_discharge_years_after_all_else_opens_no_step(runner: Runner) -> None:
    runner.cycle([admission(), window(30), discharge(366 * 24 * 60)])
    assert runner.advance(0, at(366 * 24 * 60)).predictions == []


def test_what_comes_for_a_stay_that_has_left_is_late_and_its_record_a_duplicate(runner: Runner) -> None:
    runner.cycle([admission(), window(30), discharge(60)])
    runner.advance(0, at(60 + 48 * 60))
    result = runner.cycle([window(50), labs(55, lactate=1.0), discharge(60)])
    assert [verdict.outcome for verdict in result.verdicts] == ["late", "late", "duplicate"]
    assert runner.stays(0) == []


def test_nothing_is_remembered_of_a_stay_that_the_ehr_feed_has_erased(runner: Runner) -> None:
    runner.cycle([admission(), window(30), discharge(60)])
    runner.advance(0, at(60 + 48 * 60))
    result = runner.cycle([Erased("s1"), Erased("unknown"), window(50)])
    assert [verdict.outcome for verdict in result.verdicts] == ["duplicate", "duplicate", "predicted"]
    assert runner.stays(0) == ["s1"]


def test_slots_of_stays_that_have_left_are_used_again(runner: Runner) -> None:
    for number in range(300):
        stay = f"s{number}"
        runner.cycle([admission(stay), window(30, stay), discharge(60, stay)])
        runner.advance(0, ADMITTED + timedelta(days=3))
    assert len(runner._slab.static) == 64


def test_a_readmission_under_the_old_id_is_a_contradiction(runner: Runner) -> None:
    runner.cycle([admission(), window(30), discharge(60)])
    runner.advance(0, at(60 + 48 * 60))
    readmitted = vital_window(5000).model_copy(update={"admitted_at": at(4900)})
    [verdict] = runner.cycle([WindowInput(0, readmitted)]).verdicts
    assert (verdict.outcome, verdict.reason) == ("rejected", "contradiction")


def test_a_snapshot_remembers_when_a_bed_was_last_heard(predictor: Predictor) -> None:
    first, second = Runner(predictor), Runner(predictor)
    first.cycle([admission(), window(30), labs(100, lactate=2.0)])
    second.restore(0, first.snapshot("s1"))
    assert second.advance(0, at(150)) == first.advance(0, at(150))
