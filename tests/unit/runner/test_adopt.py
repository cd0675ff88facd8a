"""Another model takes over between two cycles: its predictions are as if it had been there from the start."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lemof_stream.contracts.predictions import Prediction
from lemof_stream.errors import CheckpointError
from lemof_stream.model import load_checkpoint
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import CycleResult, Input
from lemof_stream.runner.runner import Runner
from tests.checkpoints import load_other, write_other
from tests.streams import at
from tests.unit.runner.stays import admission, discharge, in_cycles, labs, last_revisions, window

TOLERANCE: Final = 1e-5  # the bound that parity is held to
CYCLE: Final = 5

Way = Callable[[Runner, Predictor], Runner]


def between_two_cycles(runner: Runner, other: Predictor) -> Runner:
    runner.adopt(other)
    return runner


def through_a_snapshot(runner: Runner, other: Predictor) -> Runner:
    """The process died, and the next one has the new model."""
    following = Runner(other)
    following.restore(0, runner.snapshot("s1"))
    return following


WAYS: Final = (between_two_cycles, through_a_snapshot)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return load_other(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="module")
def rescaled(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return load_other(tmp_path_factory.mktemp("rescaled"), rescaled=True)


def recording(hours: int, stay: str = "s1") -> list[Input]:
    """A window every 25 minutes and a lab every 5 hours; one of them comes 9 hours late."""
    minutes = range(10, hours * 60, 25)
    timed: list[tuple[float, Input]] = [(minute, window(minute, stay)) for minute in minutes]
    timed += [(m, labs(m, stay, creatinine=1 + m / 3000, gcs=15)) for m in range(90, hours * 60, 300)]
    timed.append((hours * 40, labs(hours * 40 - 540, stay, lactate=4.0)))
    ordered = [item for _, item in sorted(timed, key=lambda pair: pair[0])]
    return [admission(stay), *ordered, discharge(hours * 60, stay)]


def predictions(results: list[CycleResult]) -> list[Prediction]:
    return [prediction for result in results for _, prediction in result.predictions]


def by(predictor: Predictor, results: list[CycleResult]) -> dict[tuple[str, int], Prediction]:
    """The last revision of every step that this model published."""
    found = last_revisions(results)
    return {key: p for key, p in found.items() if p.model == predictor.info}


def assert_as_from_the_start(
    other: Predictor, batches: list[list[Input]], takeover: int, after: list[CycleResult]
) -> None:
    """What came after the takeover, beside the same cycles of a runner that had the model from the start."""
    undisturbed = Runner(other)
    expected = [undisturbed.cycle(batch) for batch in batches][takeover:]
    ours, theirs = predictions(after), predictions(expected)
    assert [(p.step, p.kind, p.revision, p.prediction_id) for p in ours] == [
        (p.step, p.kind, p.revision, p.prediction_id) for p in theirs
    ]
    differences = [
        abs(p.predictions[name] - value)
        for p, q in zip(ours, theirs, strict=True)
        for name, value in q.predictions.items()
    ]
    assert differences
    assert max(differences) <= TOLERANCE


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(takeover=st.integers(1, 24), way=st.sampled_from(WAYS))
def test_within_the_window_predictions_after_a_takeover_are_those_of_a_runner_that_had_the_model_from_the_start(
    predictor: Predictor, other: Predictor, takeover: int, way: Way
) -> None:
    batches = in_cycles(recording(46), CYCLE)
    runner = Runner(predictor)
    before = [runner.cycle(batch) for batch in batches[:takeover]]
    runner = way(runner, other)
    after = [runner.cycle(batch) for batch in batches[takeover:]]
    assert {p.model for p in predictions(before)} == {predictor.info}
    assert {p.model for p in predictions(after)} == {other.info}
    assert_as_from_the_start(other, batches, takeover, after)


@pytest.mark.parametrize("way", WAYS)
def test_a_stay_longer_than_the_window_is_exact_again_as_far_as_the_encoder_looks_back(
    predictor: Predictor, other: Predictor, way: Way
) -> None:
    """The convolutions look back 15 steps, and the running features of the steps that have left are kept."""
    batches = in_cycles(recording(130), CYCLE)
    takeover = len(batches) // 2
    runner = Runner(predictor)
    for batch in batches[:takeover]:
        runner.cycle(batch)
    runner = way(runner, other)
    after = [runner.cycle(batch) for batch in batches[takeover:]]
    assert_as_from_the_start(other, batches, takeover, after)


@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_scales_its_inputs_otherwise_keeps_no_feature_in_the_scale_of_the_one_before(
    predictor: Predictor, other: Predictor, rescaled: Predictor, way: Way
) -> None:
    assert other.shared_state(predictor.scaling_sha256) == {"latest", "running", "ring"}
    assert rescaled.shared_state(predictor.scaling_sha256) == {"latest"}
    batches = in_cycles(recording(46), CYCLE)
    runner = Runner(predictor)
    for batch in batches[:12]:
        runner.cycle(batch)
    runner = way(runner, rescaled)
    assert_as_from_the_start(rescaled, batches, 12, [runner.cycle(batch) for batch in batches[12:]])
    long = in_cycles(recording(130), CYCLE)
    begun = Runner(predictor)
    for batch in long[:40]:
        begun.cycle(batch)
    following = through_a_snapshot(begun, rescaled)
    begun.adopt(rescaled)
    ours, theirs = ([one.cycle(batch) for batch in long[40:]] for one in (begun, following))
    assert predictions(ours) == predictions(theirs), "a takeover and a snapshot come to the same"


def test_a_takeover_says_nothing_by_itself_and_no_final_again(predictor: Predictor, other: Predictor) -> None:
    runner = Runner(predictor)
    first = runner.cycle([admission(), *(window(minute) for minute in range(10, 600, 60))])
    runner.adopt(other)
    second = runner.cycle([window(590)])
    assert [p.step for _, p in first.predictions if p.kind == "final"] == list(range(1, 10))
    assert [(p.step, p.kind, p.model) for _, p in second.predictions] == [(10, "provisional", other.info)]
    late = runner.cycle([labs(400, lactate=3.0)])
    assert [p.step for _, p in late.predictions if p.kind == "final"] == [7, 8, 9]


def test_rolling_back_and_forth_leaves_no_trace_and_repeats_no_prediction(
    predictor: Predictor, other: Predictor
) -> None:
    batches = in_cycles(recording(40), CYCLE)
    runner, results = Runner(predictor), []
    for number, batch in enumerate(batches):
        runner.adopt(other if number % 3 else predictor)
        runner.adopt(runner.predictor)  # of a rewound stay
        results.append(runner.cycle(batch))
    ids = [p.prediction_id for p in predictions(results)]
    assert len(set(ids)) == len(ids)
    newest: dict[tuple[str, int], int] = {}
    for p in predictions(results):
        key = p.model.sha256, p.step
        assert p.revision > newest.get(key, 0)
        newest[key] = p.revision
    for model in (predictor, other):
        alone = Runner(model)
        expected = [alone.cycle(batch) for batch in batches]
        own = by(model, results)
        said = {(p.step, p.prediction_id): p for p in predictions(expected)}
        for p in own.values():
            assert p.predictions == pytest.approx(said[p.step, p.prediction_id].predictions, abs=TOLERANCE)


def test_silence_after_a_takeover_is_told_as_by_a_runner_that_had_the_model_from_the_start(
    predictor: Predictor, other: Predictor
) -> None:
    inputs: list[Input] = [admission(), *(window(minute) for minute in range(10, 280, 20))]
    taken_over, undisturbed = Runner(predictor), Runner(other)
    for runner in (taken_over, undisturbed):
        runner.cycle(inputs)
        runner.advance(0, at(290))
    taken_over.adopt(other)
    for minute in range(300, 1300, 25):
        found, expected = (r.advance(0, at(minute)).predictions for r in (taken_over, undisturbed))
        assert [(p.step, p.kind, p.prediction_id) for p in found] == [
            (p.step, p.kind, p.prediction_id) for p in expected
        ]
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.predictions == pytest.approx(theirs.predictions, abs=TOLERANCE)


def test_a_snapshot_of_a_stay_that_was_not_touched_since_a_takeover_goes_on_too(
    predictor: Predictor, other: Predictor
) -> None:
    batches = in_cycles(recording(30), CYCLE)
    first, second = Runner(predictor), Runner(other)
    for batch in batches[:9]:
        first.cycle(batch)
    first.adopt(other)
    second.restore(0, first.snapshot("s1"))
    after = [second.cycle(batch) for batch in batches[9:]]
    assert_as_from_the_start(other, batches, 9, after)


def test_a_model_of_other_inputs_is_refused_and_the_old_one_goes_on(
    predictor: Predictor, tmp_path: Path
) -> None:
    stranger = load_checkpoint(write_other(tmp_path, horizon_steps=96))
    runner = Runner(predictor)
    runner.cycle([window(10)])
    with pytest.raises(CheckpointError, match="horizon_steps of their inputs differ"):
        runner.adopt(stranger)
    [(_, prediction)] = runner.cycle([window(20)]).predictions
    assert prediction.model == predictor.info
    with pytest.raises(CheckpointError, match="inputs are not those"):
        Runner(stranger).restore(0, runner.snapshot("s1"))
