"""LightGBM where the tasks are the edges of a duration."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.cohorts.cohort import StepTargets
from lemof_stream.model import Architecture
from lemof_stream.training.rivals import boosting
from lemof_stream.training.rivals.boosting import LightGBM
from lemof_stream.training.rivals.experiment import Ready, make_ready, train_and_predict
from lemof_stream.training.rivals.rival import Answer
from lemof_stream.training.stages import Recipe

STEPS = 6


@pytest.fixture
def remaining(stays: Cohort, monkeypatch: pytest.MonkeyPatch) -> Ready:
    """The same stays, the hours that remain known at every step."""
    monkeypatch.setattr(boosting, "MOST_ROUNDS", 30)
    monkeypatch.setattr(boosting, "TRIALS", 1)
    few = stays.take(range(120))
    centre = np.select([few.length_of_stay == days for days in (2, 5, 10)], [4, 20, 60], 150)
    random = np.random.default_rng(0)
    hours = np.repeat(centre * random.uniform(0.5, 2, len(few)), STEPS)  # every bin holds some
    stay, step = np.divmod(np.arange(len(few) * STEPS, dtype=np.int32), np.int32(STEPS))
    cohort = replace(few, name="eicu", step_targets=StepTargets(stay, step + np.int32(1), hours))
    return make_ready(cohort, cohort, Architecture(members=2, trees=40), seed=0)


def test_remaining_hours_are_found(remaining: Ready) -> None:
    table = train_and_predict("lightgbm", remaining, Recipe(), lambda stage, share: None).table  # noqa: ARG005
    truth = remaining.data.targets.duration.flatten().numpy()
    error = np.abs(table["remaining_hours"].to_numpy() - truth).mean()
    assert error < 0.75 * np.abs(np.median(truth) - truth).mean()


@pytest.mark.parametrize("wrong", [0.0, 500.0])
def test_a_duration_is_regressed_where_that_errs_less_on_held_out_people(
    remaining: Ready, wrong: float
) -> None:
    rival, data, truth = LightGBM(remaining.data.tasks), remaining.prepared, remaining.data.targets.duration
    edges = Answer((data.target * 2 - 1) * 0.5)
    assert rival.errs_less(truth + wrong, edges, data, truth) == (wrong == 0)


def test_people_of_a_tuning_group_are_never_learnt_from_in_it(remaining: Ready) -> None:
    """With a random target nothing that was not learnt by heart predicts it."""
    random = torch.Generator().manual_seed(0)
    by_person = torch.rand(120, 1, 1, generator=random).round().expand(-1, STEPS, 8).double()
    rival = LightGBM(remaining.data.tasks)
    answer = rival.fit(
        replace(remaining.prepared, target=by_person),
        remaining.data.targets.duration,
        Recipe(),
        lambda stage, share: None,  # noqa: ARG005
    )
    known = ~answer.logits[..., 0].isnan()
    right = (answer.logits[..., 0] > 0)[known] == (by_person[..., 0] > 0.5)[known]
    assert right.double().mean() < 0.65
