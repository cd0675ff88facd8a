"""What the runner promises: order leaves no trace, revisions grow, state can be packed and goes on."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lemof_stream.contracts.ehr import Demographics
from lemof_stream.errors import CheckpointError
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import EhrInput, Input, WindowInput
from lemof_stream.runner.runner import Runner
from tests.streams import at
from tests.unit.runner.stays import (
    admission,
    discharge,
    in_cycles,
    labs,
    largest_difference,
    last_revisions,
    vital_window,
    window,
)

TOLERANCE = 1e-5  # the bound that parity is held to


def recording(hours: int, stay: str = "s1") -> list[Input]:
    """A stay with a window every 25 minutes and a lab every 5 hours, in event-time order."""
    timed: list[tuple[float, Input]] = [
        (minute, window(minute, stay)) for minute in range(10, hours * 60, 25)
    ]
    timed += [(m, labs(m, stay, creatinine=1 + m / 3000, gcs=15)) for m in range(90, hours * 60, 300)]
    ordered = [item for _, item in sorted(timed, key=lambda pair: pair[0])]
    return [admission(stay), *ordered, discharge(hours * 60, stay)]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), cycle=st.integers(1, 60))
def test_any_order_inside_the_window_gives_the_same_last_revisions(
    predictor: Predictor, seed: int, cycle: int
) -> None:
    inputs = recording(18)
    shuffled = random.Random(seed).sample(inputs, len(inputs))
    expected = last_revisions([Runner(predictor).cycle(inputs)])
    runner = Runner(predictor)
    found = last_revisions(runner.cycle(batch) for batch in in_cycles(shuffled, cycle))
    assert largest_difference(found, expected) <= TOLERANCE
    assert {key: p.revision for key, p in found.items()} == {key: p.revision for key, p in expected.items()}


def test_a_stay_longer_than_the_window_survives_disorder_inside_it(predictor: Predictor) -> None:
    inputs = recording(130)
    expected = last_revisions([Runner(predictor).cycle(inputs)])
    rng = random.Random(4)
    disordered = [item for _, item in sorted((i + rng.uniform(0, 70), item) for i, item in enumerate(inputs))]
    runner = Runner(predictor)
    found = last_revisions(runner.cycle(batch) for batch in in_cycles(disordered, 7))
    assert largest_difference(found, expected) <= TOLERANCE


def test_revisions_of_a_step_grow_strictly(predictor: Predictor) -> None:
    inputs = recording(15)
    random.Random(1).shuffle(inputs)
    runner = Runner(predictor)
    newest: dict[int, int] = {}
    for item in inputs:
        for _, prediction in runner.cycle([item]).predictions:
            assert prediction.revision > newest.get(prediction.step, 0)
            newest[prediction.step] = prediction.revision


def test_the_open_step_is_provisional_and_closing_makes_it_final(runner: Runner) -> None:
    first = runner.cycle([admission(), window(30)])
    assert [(p.step, p.kind) for _, p in first.predictions] == [(1, "provisional")]
    second = runner.cycle([window(61)])
    assert [(p.step, p.kind) for _, p in second.predictions] == [(1, "final"), (2, "provisional")]
    last = runner.cycle([discharge(120)])
    assert [(p.step, p.kind) for _, p in last.predictions] == [(2, "final")]


def test_steps_without_data_are_predicted_too(runner: Runner) -> None:
    result = runner.cycle([window(10), window(60 * 9 + 1)])
    assert [p.step for _, p in result.predictions if p.kind == "final"] == list(range(1, 10))


def test_a_window_that_comes_twice_is_a_duplicate(runner: Runner) -> None:
    result = runner.cycle([window(10), window(10)])
    assert [verdict.outcome for verdict in result.verdicts] == ["predicted", "duplicate"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_two_devices_the_one_of_priority_counts_channel_by_channel(
    predictor: Predictor, order: tuple[int, ...]
) -> None:
    def of(device: str, minute: float, priority: int, **channels: float) -> WindowInput:
        own = vital_window(minute, channels=channels)
        update = {"window_id": f"{device}:{minute}", "device": device, "priority": priority}
        return WindowInput(0, own.model_copy(update=update))

    both = [
        of("monitor", 12, 0, heart_rate=80.0),
        of("spot", 13, 1, heart_rate=150.0, temperature=38.5),
        of("spot", 40, 1, heart_rate=95.0),
    ]
    alone = [of("monitor", 12, 0, heart_rate=80.0), of("spot", 13, 0, temperature=38.5), both[2]]
    together, expected = Runner(predictor), Runner(predictor)
    found = together.cycle([admission(), *(both[i] for i in order)])
    assert [verdict.outcome for verdict in found.verdicts[1:]] == ["predicted"] * 3
    wanted = expected.cycle([admission(), *alone]).predictions[-1][1]
    assert found.predictions[-1][1].predictions == wanted.predictions


def test_a_prediction_names_the_version_of_the_ehr_features_as_of_its_step(runner: Runner) -> None:
    runner.cycle([admission(), window(30), labs(40, glucose=6.0), window(90)])
    [(_, second)] = runner.cycle([window(100)]).predictions
    assert second.ehr_version == 2, "the admission and a lab"
    revised = last_revisions([runner.cycle([labs(20, creatinine=1.0), labs(95, creatinine=2.0)])])
    assert {step: p.ehr_version for (_, step), p in revised.items()} == {1: 3, 2: 4}


def test_a_late_lab_revises_every_step_from_its_own_on(runner: Runner) -> None:
    runner.cycle([window(minute) for minute in range(10, 600, 60)])
    result = runner.cycle([labs(250, lactate=9.0)])
    assert [p.step for _, p in result.predictions if p.kind == "final"] == [5, 6, 7, 8, 9]


def test_an_input_behind_the_window_is_late(runner: Runner) -> None:
    runner.cycle([window(minute) for minute in range(10, 60 * 60, 60)])
    result = runner.cycle([window(20)])
    assert [(v.outcome, v.reason) for v in result.verdicts] == [("late", "late")]
    assert not result.predictions


@pytest.mark.parametrize(
    ("channels", "reason"),
    [
        ({"heart_rate": 9e9}, "implausible"),
        ({"creatinine": 1.0}, "unknown_channel"),
        ({"hr": 60.0}, "unknown_channel"),
    ],
)
def test_values_that_cannot_be_are_refused_whole(
    runner: Runner, channels: dict[str, float], reason: str
) -> None:
    result = runner.cycle([window(10, channels=channels)])
    assert [(v.outcome, v.reason) for v in result.verdicts] == [("rejected", reason)]
    assert not result.predictions
    assert runner.stays(0) == []


def test_channels_that_the_checkpoint_does_not_read_change_no_prediction(
    runner: Runner, predictor: Predictor
) -> None:
    read = {"heart_rate": 80.0}
    plain: list[Input] = [admission(), window(10, channels=read), labs(50, lactate=2.0)]
    richer: list[Input] = [
        admission(),
        window(10, channels=read | {"etco2": 40.0, "sbp": 120.0}),
        labs(50, lactate=2.0, crp=90.0),
    ]

    found = runner.cycle(richer)

    assert {v.outcome for v in found.verdicts} == {"predicted"}
    expected = Runner(predictor).cycle(plain)
    assert largest_difference(last_revisions([found]), last_revisions([expected])) == 0


def test_what_comes_from_the_future_is_refused_and_leaves_no_trace(runner: Runner) -> None:
    week = 8 * 24 * 60
    result = runner.cycle([window(10), window(week), labs(week, lactate=2.0), window(70)])
    assert [v.reason for v in result.verdicts] == ["", "future", "future", ""]
    assert [(p.step, p.kind) for _, p in result.predictions] == [(1, "final"), (2, "provisional")]


def test_a_refused_window_does_not_make_its_stay(runner: Runner) -> None:
    wrong = vital_window(10, channels={"heart_rate": 9e9}).model_copy(update={"admitted_at": at(-600)})
    assert runner.cycle([WindowInput(0, wrong)]).verdicts[0].outcome == "rejected"
    assert runner.cycle([window(10)]).verdicts[0].outcome == "predicted"


def test_another_admission_time_is_a_contradiction_from_either_side(runner: Runner) -> None:
    runner.cycle([window(10)])
    moved = vital_window(20).model_copy(update={"admitted_at": at(-60)})
    lab = labs(30, lactate=2.0).record.model_copy(update={"admitted_at": at(-60)})
    result = runner.cycle([WindowInput(0, moved), EhrInput(0, lab)])
    assert [v.reason for v in result.verdicts] == ["contradiction", "contradiction"]


def test_a_stay_that_is_first_heard_of_late_starts_there(runner: Runner) -> None:
    result = runner.cycle([window(60 * 24 * 30 + 1)])
    assert [p.step for _, p in result.predictions] == list(range(674, 722))


def test_corrected_demographics_are_a_revision_of_their_own(runner: Runner) -> None:
    first = runner.cycle([admission(), window(30)]).predictions[-1][1]
    corrected = admission().record.model_copy(
        update={
            "demographics": Demographics(age=90),
            "event_ids": ("s1:admission", "s1:correction"),
            "admissions": 2,
        }
    )
    second = runner.cycle([EhrInput(0, corrected)]).predictions[-1][1]
    assert second.revision > first.revision
    assert second.prediction_id != first.prediction_id
    assert second.predictions["p_death"] != first.predictions["p_death"]


def test_a_snapshot_goes_on_as_if_nothing_had_happened(predictor: Predictor) -> None:
    inputs = recording(70)
    undisturbed = Runner(predictor)
    expected = last_revisions([undisturbed.cycle(inputs[:120]), undisturbed.cycle(inputs[120:])])
    first, second = Runner(predictor), Runner(predictor)
    before = first.cycle(inputs[:120])
    assert second.restore(0, first.snapshot("s1")) == "s1"
    again = second.cycle(inputs[100:120])  # a recovery reads some inputs twice
    assert {verdict.outcome for verdict in again.verdicts} == {"duplicate"}
    assert not again.predictions
    after = second.cycle(inputs[120:])
    assert largest_difference(last_revisions([before, after]), expected) <= TOLERANCE
    assert second.snapshot("s1") == _packed_after(predictor, inputs)


def _packed_after(predictor: Predictor, inputs: list[Input]) -> bytes:
    runner = Runner(predictor)
    for batch in (inputs[:120], inputs[120:]):
        runner.cycle(batch)
    return runner.snapshot("s1")


def test_a_damaged_snapshot_is_refused_in_a_sentence(runner: Runner) -> None:
    runner.cycle([window(10)])
    packed = runner.snapshot("s1")
    with pytest.raises(CheckpointError, match="snapshot cannot be read"):
        runner.restore(0, packed[:-40])


def test_a_released_slot_holds_nothing_of_its_former_stay(predictor: Predictor) -> None:
    fresh, used = Runner(predictor), Runner(predictor)
    used.cycle(recording(20, "former"))
    used.release(0)
    assert used.stays(0) == []
    inputs = recording(20, "next")
    assert (
        largest_difference(last_revisions([used.cycle(inputs)]), last_revisions([fresh.cycle(inputs)])) == 0
    )


def test_many_stays_in_one_cycle_are_as_each_alone(predictor: Predictor) -> None:
    stays = [recording(12 + 3 * n, f"s{n}") for n in range(12)]
    mixed = [item for one in stays for item in one]
    random.Random(2).shuffle(mixed)
    together = last_revisions([Runner(predictor).cycle(mixed)])
    alone = last_revisions([Runner(predictor).cycle(one) for one in stays])
    assert largest_difference(together, alone) <= TOLERANCE


def test_stays_that_wait_together_for_room_are_as_each_alone(predictor: Predictor) -> None:
    minutes = (
        30,
        50 * 60 + 10,
        50 * 60 + 40,
        40,
        51 * 60 + 20,
    )  # the second opens a step that the window has no room for
    stays = [[window(minute + n % 7, f"s{n}") for minute in minutes] for n in range(200)]
    result = Runner(predictor).cycle([item for turn in zip(*stays, strict=True) for item in turn])
    outcomes = ["predicted"] * 600 + ["late"] * 200 + ["predicted"] * 200
    assert [verdict.outcome for verdict in result.verdicts] == outcomes
    alone = last_revisions([Runner(predictor).cycle(one) for one in stays[:5]])
    together = last_revisions([result])
    assert largest_difference({key: together[key] for key in alone}, alone) <= TOLERANCE
