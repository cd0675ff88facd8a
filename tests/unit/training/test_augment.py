"""The second view: held vital signs, open steps, closed history."""

from pathlib import Path

import torch

from lemof_stream.cohorts import read_cohort
from lemof_stream.model import InputSchema
from lemof_stream.training.augment import hold_vitals, second_view
from lemof_stream.training.dataset import step_data
from tests.recorded_stays import write_stays
from tests.unit.cohorts.recordings import stay, write

SCHEMA = InputSchema()
HEART_RATE, LACTATE = (SCHEMA.channels.index(name) for name in ("heart_rate", "lactate"))


def test_a_dense_bed_holds_vital_signs_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, {"1.txt": stay(1, "00:10,HR,70", "00:20,HR,90", "00:30,Lactate,2", "02:30,HR,60")})
    charted = step_data(read_cohort("physionet2012", tmp_path), SCHEMA).inputs
    held = hold_vitals(charted, torch.ones(1, 1, 1, dtype=torch.bool), len(SCHEMA.vitals))
    assert held.median[0, :, HEART_RATE].tolist() == [80.0, 90.0, 60.0]
    assert held.last[0, :, HEART_RATE].tolist() == [90.0, 90.0, 60.0]
    assert held.median[0, 1:, LACTATE].isnan().all()


def test_an_open_step_knows_only_what_came_before_its_cut(tmp_path: Path) -> None:
    write(tmp_path, {"1.txt": stay(1, "00:10,HR,70", "00:40,HR,90", "01:40,HR,100")})
    cohort = read_cohort("physionet2012", tmp_path)
    cut = step_data(cohort, SCHEMA, torch.tensor([[30.0, 39.0]])).inputs
    assert cut.median[0, 0, HEART_RATE] == 70.0
    assert cut.median[0, 1, HEART_RATE].isnan()
    assert cut.minutes_open.tolist() == [[30.0, 39.0]]


def test_the_second_view_repeats_with_its_seed_and_keeps_history_closed(tmp_path: Path) -> None:
    cohort = read_cohort("physionet2012", write_stays(tmp_path, 20))
    charted = step_data(cohort, SCHEMA).inputs
    one, two = (second_view(cohort, charted, SCHEMA, seed=1) for _ in range(2))
    assert torch.equal(one.now.median.nan_to_num(), two.now.median.nan_to_num())
    assert (one.closed.minutes_open == SCHEMA.step_minutes).all()
    assert (one.now.minutes_open < SCHEMA.step_minutes).any()
    seen = ~charted.median.isnan()
    assert torch.equal(one.closed.median[seen], charted.median[seen])
