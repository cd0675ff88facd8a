"""Stays as a monitor would send them, steps that are still open, and how the two are compared."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lemof_stream.cohorts import read_cohort
from lemof_stream.contracts.predictions import ModelInfo
from lemof_stream.model import TASK_SETS, Architecture, InputSchema, LeMoF, Predictor
from lemof_stream.training.scores.bedside import compared, held_every_minute, horizon, open_steps
from lemof_stream.training.scores.rows import Binary, Rows
from tests.recorded_stays import write_stays
from tests.unit.cohorts.recordings import stay, write


@pytest.fixture
def predictor() -> Predictor:
    """Not fitted: what is asked here does not depend on it."""
    torch.manual_seed(0)
    model = LeMoF(InputSchema(), TASK_SETS["physionet2012"], Architecture(trees=2)).eval()
    return Predictor(model, model.schema, ModelInfo(name="m", version="1", sha256="0" * 64), {})


def test_a_monitored_vital_sign_is_held_every_minute_to_the_end_of_the_recording(tmp_path: Path) -> None:
    write(tmp_path, {"1.txt": stay(1, "00:58,HR,80", "01:01,HR,90", "00:59,BUN,20", "01:03,BUN,21")})
    charted = read_cohort("physionet2012", tmp_path)
    held = held_every_minute(charted, ("heart_rate",))
    heart = np.array(held.channels)[held.channel] == "heart_rate"
    assert held.minute[heart].tolist() == [58, 59, 60, 61, 62, 63]
    assert held.value[heart].tolist() == [80, 80, 80, 90, 90, 90]
    assert held.value[~heart].tolist() == [20, 21]
    assert held.recorded_until.tolist() == charted.recorded_until.tolist()


def test_stays_do_not_hold_each_others_values(tmp_path: Path) -> None:
    cohort = read_cohort("physionet2012", write_stays(tmp_path, 4))
    held = held_every_minute(cohort, ("heart_rate",))
    for s in range(4):
        alone = held_every_minute(cohort.take([s]), ("heart_rate",))
        assert held.take([s]).value.tolist() == alone.value.tolist()


def test_open_steps_are_compared_where_the_stay_is_recorded_so_long(
    tmp_path: Path, predictor: Predictor
) -> None:
    found = open_steps(predictor, read_cohort("physionet2012", write_stays(tmp_path, 24)))["minutes"]
    assert found["45"]["6"]["rows"] == 24
    assert found["45"]["6"]["death"]["predicted"]["difference"]["value"] is not None
    assert found["45"]["12"]["rows"] == 0


def test_days_are_never_fewer_than_have_passed(tmp_path: Path, predictor: Predictor) -> None:
    found = horizon(predictor, read_cohort("physionet2012", write_stays(tmp_path, 8)))
    assert found["below_passed"] == 0.0
    assert found["beyond_horizon"] == 0.0


def test_the_same_predictions_do_not_differ() -> None:
    random = np.random.default_rng(0)
    truth, risk = (random.random(50) < 0.4).astype(float), random.random(50)
    first, second = rows(truth, risk), rows(truth, risk + 0.25)
    found = compared(first, second)["death"]
    assert found["auroc"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert found["predicted"]["difference"] == {"value": 0.25, "low": 0.25, "high": 0.25}


def rows(truth: np.ndarray, risk: np.ndarray) -> Rows:
    index = np.arange(len(truth))
    return Rows(index, np.full(len(truth), 360), index, {"death": Binary(truth, risk)}, {})
