"""Which prediction a stay is scored with, and who counts as still recorded."""

from pathlib import Path

import numpy as np

from lemof_stream.cohorts import read_cohort
from lemof_stream.training.evaluate import last_rows, recorded_at
from tests.unit.cohorts.recordings import stay, write


def test_a_stay_counts_with_its_last_prediction_at_or_before_the_hour() -> None:
    stays, ends = np.array([0, 0, 0, 1, 1]), np.array([60, 120, 180, 60, 120])
    assert last_rows(stays, ends, 120).tolist() == [1, 4]
    assert last_rows(stays, ends, 60).tolist() == [0, 3]
    assert last_rows(stays, ends, 0).tolist() == []


def test_a_stay_is_still_recorded_with_a_value_in_the_last_six_hours(tmp_path: Path) -> None:
    write(tmp_path, {"1.txt": stay(1, "05:00,HR,80"), "2.txt": stay(2, "11:00,HR,80"), "3.txt": stay(3)})
    cohort = read_cohort("physionet2012", tmp_path)
    assert recorded_at(cohort, 720).tolist() == [False, True, False]
    assert recorded_at(cohort, 600).tolist() == [True, False, False]
