"""A recorded cohort on the model's grid."""

from pathlib import Path

import torch

from lemof_stream.cohorts import Cohort, read_cohort
from lemof_stream.model import TASK_SETS, InputSchema
from lemof_stream.training.dataset import step_data
from lemof_stream.training.targets import targets
from tests.unit.cohorts.recordings import OUTCOMES, stay, write

SCHEMA = InputSchema()
HEART_RATE = SCHEMA.channels.index("heart_rate")


def cohort(folder: Path) -> Cohort:
    first = stay(132539, "00:00,HR,70", "01:00,HR,80", "01:01,HR,90", "03:30,Lactate,2")
    write(folder, {"132539.txt": first, "132540.txt": stay(132540), "Outcomes-a.txt": OUTCOMES})
    return read_cohort("physionet2012", folder)


def test_a_value_belongs_to_the_step_that_ends_at_the_next_full_hour(tmp_path: Path) -> None:
    data = step_data(cohort(tmp_path), SCHEMA)
    assert data.inputs.median[0, :2, HEART_RATE].tolist() == [75.0, 90.0]
    assert data.inputs.last[0, :2, HEART_RATE].tolist() == [80.0, 90.0]
    assert data.inputs.median[0, 2:].isnan()[:, HEART_RATE].all()


def test_the_last_step_holds_the_last_value_and_admission_is_one(tmp_path: Path) -> None:
    assert step_data(cohort(tmp_path), SCHEMA).last_step.tolist() == [4, 1]


def test_targets_are_unknown_where_the_outcome_is(tmp_path: Path) -> None:
    found = targets(cohort(tmp_path), TASK_SETS["physionet2012"], steps=2)
    assert found.binary[0].tolist() == [[0.0, 1.0, 0.0, 0.0]] * 2
    assert (found.binary[1, :, 0] == 1.0).all()
    assert found.binary[1, :, 1:].isnan().all()
    assert found.duration[1].isnan().all()


def test_taking_stays_keeps_their_order(tmp_path: Path) -> None:
    data = step_data(cohort(tmp_path), SCHEMA)
    taken = data.take([1, 0])
    assert taken.stay_ids == ("132540", "132539")
    assert torch.equal(taken.last_step, torch.tensor([1, 4]))
