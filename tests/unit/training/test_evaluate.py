"""Which prediction a stay is scored with, who counts as still recorded, and the scores of each cohort."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lemof_stream.cohorts import Cohort, StepTargets, read_cohort
from lemof_stream.training.evaluate import evaluate, recorded_at
from lemof_stream.training.metrics import Floats
from lemof_stream.training.scores.figures import write_figures
from lemof_stream.training.scores.rows import last_rows
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


STEPS = 8


def with_targets(folder: Path, name: str, value: Floats) -> Cohort:
    """Stays of women of 50, of `name`, with a target [S, STEPS] at each step; NaN has none."""
    stays = {
        f"{n}.txt": stay(n + 1, "00:00,Age,50", "00:00,Gender,0", "07:30,HR,80") for n in range(len(value))
    }
    row, step = np.nonzero(~np.isnan(value))
    targets = StepTargets(row.astype(np.int32), (step + 1).astype(np.int32), value[row, step])
    return replace(
        read_cohort("physionet2012", write(folder, stays)),
        name=name,
        step_targets=targets,
    )


def table(cohort: Cohort, **columns: Floats) -> pa.Table:
    """Predictions [S, STEPS] of every step."""
    ids = np.repeat(np.array(cohort.stay_ids), STEPS)
    end = np.tile(np.arange(1, STEPS + 1) * 60, len(cohort))
    return pa.table({"stay_id": ids, "step_end_min": end} | {k: v.ravel() for k, v in columns.items()})


def eicu(folder: Path) -> tuple[pa.Table, Cohort]:
    hours = np.arange(4.0)[:, None] * 10 + np.zeros(STEPS)
    hours[3, 5:] = np.nan
    cohort = with_targets(folder, "eicu", hours)
    point = np.nan_to_num(hours) + np.array([1.0, 1, 1, 3])[:, None]
    return table(
        cohort, remaining_hours=point, remaining_hours_lo=point - 2, remaining_hours_hi=point + 2
    ), cohort


def test_remaining_hours_are_scored_on_every_row_with_a_target(tmp_path: Path) -> None:
    found = evaluate(*eicu(tmp_path))
    own = found["overall"]["remaining_hours"]
    assert own["rows"] == 29
    assert own["mae"]["value"] == pytest.approx((24 * 1 + 5 * 3) / 29, abs=1e-4)
    assert own["median_error"]["value"] == 1.0
    assert own["coverage"]["value"] == pytest.approx(24 / 29, abs=1e-4)
    assert own["interval_hours"] == 4.0
    rows = {band: part["all"]["rows"] for band, part in found["hours"].items()}
    assert rows == {"1-6": 23, "7-12": 6, "13-24": 0, "25-48": 0, "49-96": 0, "97-168": 0, "169-": 0}


def test_groups_of_patients_are_scored_and_small_ones_say_so(tmp_path: Path) -> None:
    groups = evaluate(*eicu(tmp_path))["subgroups"]
    assert {factor: list(own) for factor, own in groups.items()} == {
        "sex": ["female"],
        "age": ["45-64"],
        "unit_type": ["surgical"],
    }
    assert groups["sex"]["female"]["small"] is True
    assert groups["sex"]["female"]["rows"] == 29


def test_an_interval_of_one_person_has_no_width(tmp_path: Path) -> None:
    predictions, cohort = eicu(tmp_path)
    own = evaluate(predictions, replace(cohort, person=("a",) * 4))["overall"]["remaining_hours"]
    assert own["mae"]["low"] == own["mae"]["value"] == own["mae"]["high"]


def sepsis(folder: Path) -> tuple[pa.Table, Cohort]:
    label = np.zeros((4, STEPS))
    label[0, 3:] = 1
    risk = np.where(label == 1, 0.9, 0.1) + np.arange(4)[:, None] * 0.01
    cohort = with_targets(folder, "sepsis2019", label)
    return table(cohort, p_sepsis=risk), cohort


def test_sepsis_is_scored_by_rank_and_by_utility_at_the_threshold(tmp_path: Path) -> None:
    found = evaluate(*sepsis(tmp_path), threshold=0.5)
    own = found["overall"]["sepsis"]
    assert (own["rows"], own["positive"]) == (32, 5)
    assert own["auroc"]["value"] == own["auprc"]["value"] == 1.0
    early = 0.5 + 4 / 6 + 5 / 6  # alarms before the label rises pay too: onset is at 10, 9 to 7 hours later
    late = sum(1 - k / 9 + 2 * k / 9 for k in range(5))
    assert own["utility"]["value"] == pytest.approx(late / (early + late), abs=1e-4)


def test_without_a_threshold_there_is_no_utility(tmp_path: Path) -> None:
    assert evaluate(*sepsis(tmp_path))["overall"]["sepsis"]["utility"]["value"] is None


def test_targets_that_nobody_knows_have_no_scores(tmp_path: Path) -> None:
    predictions, cohort = sepsis(tmp_path)
    found = evaluate(predictions, replace(cohort, step_targets=None), 0.5)
    assert found["overall"]["sepsis"]["auroc"]["value"] is None
    assert found["reliability"]["overall"]["sepsis"] == []


@pytest.mark.parametrize("cohort", [eicu, sepsis])
def test_figures_are_written_for_what_was_scored(
    tmp_path: Path, cohort: Callable[[Path], tuple[pa.Table, Cohort]]
) -> None:
    write_figures(evaluate(*cohort(tmp_path / "data"), threshold=0.5), tmp_path / "figures")
    names = ["by_hour.png", "reliability.png", "subgroups.png"]
    assert sorted(file.name for file in (tmp_path / "figures").iterdir()) == names
