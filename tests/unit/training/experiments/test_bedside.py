"""Stays as a monitor would send them, steps that are still open, and a shorter training."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lemof_stream.cohorts import Cohort, read_cohort
from lemof_stream.model import LeMoF
from lemof_stream.training.experiments.bedside import at_hours, held_every_minute, monitored, until
from lemof_stream.training.experiments.variants import predictions, scored_stays
from lemof_stream.training.train import training_data
from tests.model_streams import random_model
from tests.recorded_stays import write_stays
from tests.unit.cohorts.recordings import stay, write


@pytest.fixture(scope="module")
def model() -> LeMoF:
    return random_model()


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return read_cohort("physionet2012", write_stays(tmp_path_factory.mktemp("stays"), 24))


def test_a_monitored_vital_sign_is_held_every_minute_to_the_end_of_the_recording(tmp_path: Path) -> None:
    write(tmp_path, {"1.txt": stay(1, "00:58,HR,80", "01:01,HR,90", "00:59,BUN,20", "01:03,BUN,21")})
    charted = read_cohort("physionet2012", tmp_path)
    held = held_every_minute(charted, ("heart_rate",))
    heart = np.array(held.channels)[held.channel] == "heart_rate"
    assert held.minute[heart].tolist() == [58, 59, 60, 61, 62, 63]
    assert held.value[heart].tolist() == [80, 80, 80, 90, 90, 90]
    assert held.value[~heart].tolist() == [20, 21]
    assert held.recorded_until.tolist() == charted.recorded_until.tolist()


def test_stays_do_not_hold_each_others_values(cohort: Cohort) -> None:
    held = held_every_minute(cohort, ("heart_rate",))
    for s in range(4):
        alone = held_every_minute(cohort.take([s]), ("heart_rate",))
        assert held.take([s]).value.tolist() == alone.value.tolist()


def test_monitored_stays_have_the_rows_of_charted_ones(cohort: Cohort, model: LeMoF) -> None:
    charted, held = predictions(model, scored_stays(cohort, model)), monitored(model, cohort)
    for name in ("stay_id", "step_end_min"):
        assert charted[name].equals(held[name])
    assert not charted["p_death"].equals(held["p_death"])


def test_a_step_that_has_run_its_minutes_is_predicted_as_a_closed_one(cohort: Cohort, model: LeMoF) -> None:
    whole = predictions(model, scored_stays(cohort, model)).to_pandas().set_index(["stay_id", "step_end_min"])
    final, open_ = (at_hours(model, cohort, minutes).to_pandas() for minutes in (60, 15))
    final, open_ = (own.set_index(["stay_id", "step_end_min"]) for own in (final, open_))
    np.testing.assert_allclose(final["p_death"], whole["p_death"].loc[final.index], atol=1e-6)
    assert final.index.equals(open_.index)
    assert np.abs(final["p_death"] - open_["p_death"]).max() > 1e-4


def test_open_steps_are_predicted_where_the_stay_is_recorded_so_long(cohort: Cohort, model: LeMoF) -> None:
    assert at_hours(model, cohort, 45)["step_end_min"].to_pylist() == [360] * 24


def test_a_shorter_training_knows_no_later_step(cohort: Cohort) -> None:
    data = training_data(cohort, seed=0)
    half = until(data, 3)
    assert half.schema.horizon_steps == 3
    for whole, part in (
        (data.inputs.last, half.inputs.last),
        (data.other.now.last, half.other.now.last),
        (data.targets.binary, half.targets.binary),
    ):
        assert torch.equal(part.nan_to_num(-1), whole[:, :3].nan_to_num(-1))
