"""LightGBM where the tasks are the edges of a duration."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.cohorts.cohort import StepTargets
from lemof_stream.model import Architecture
from lemof_stream.training.dataset import step_data
from lemof_stream.training.recipe import default_config
from lemof_stream.training.rivals import boosting
from lemof_stream.training.rivals.boosting import LightGBM
from lemof_stream.training.rivals.rival import Answer
from lemof_stream.training.rivals.trained import Ready, make_ready, make_unseen, train_rival
from lemof_stream.training.train import training_data

STEPS = 6
RECIPE = default_config("eicu").recipe


@pytest.fixture
def cohort(stays: Cohort) -> Cohort:
    """The same stays, the hours that remain known at every step."""
    few = stays.take(range(120))
    centre = np.select([few.length_of_stay == days for days in (2, 5, 10)], [4, 20, 60], 150)
    random = np.random.default_rng(0)
    hours = np.repeat(centre * random.uniform(0.5, 2, len(few)), STEPS)  # every bin holds some
    stay, step = np.divmod(np.arange(len(few) * STEPS, dtype=np.int32), np.int32(STEPS))
    return replace(few, name="eicu", step_targets=StepTargets(stay, step + np.int32(1), hours))


@pytest.fixture
def remaining(cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> Ready:
    monkeypatch.setattr(boosting, "MOST_ROUNDS", 30)
    monkeypatch.setattr(boosting, "TRIALS", 1)
    return make_ready(training_data(cohort, seed=0), Architecture(members=2, trees=40), seed=0)


def test_remaining_hours_are_found(remaining: Ready, cohort: Cohort) -> None:
    unseen = make_unseen(step_data(cohort, remaining.model.schema), remaining)
    trained = train_rival("lightgbm", remaining, RECIPE, lambda stage, share: None)  # noqa: ARG005
    table = trained.predictions(unseen)
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
        RECIPE,
        lambda stage, share: None,  # noqa: ARG005
    )
    known = ~answer.logits[..., 0].isnan()
    right = (answer.logits[..., 0] > 0)[known] == (by_person[..., 0] > 0.5)[known]
    assert right.double().mean() < 0.65
