"""A cohort cut down to some of its stays."""

from pathlib import Path

import numpy as np

from lemof_stream.cohorts import read_cohort
from tests.unit.cohorts.eicu_tables import eicu_row, eicu_stay, write_eicu
from tests.unit.cohorts.recordings import OUTCOMES, stay, targets, write


def test_take_keeps_the_chosen_stays_whole_and_in_the_order_asked_for(tmp_path: Path) -> None:
    stays = {
        "132539.txt": stay(132539, "00:07,HR,73", "01:07,HR,74", age="30"),
        "132540.txt": stay(132540, age="40"),
        "132541.txt": stay(132541, "02:00,HR,80", age="50"),
    }
    whole = read_cohort("physionet2012", write(tmp_path, stays | {"Outcomes-a.txt": OUTCOMES}))

    part = whole.take([2, 0])

    assert part.stay_ids == ("132541", "132539")
    assert [d.age for d in part.demographics] == [50, 30]
    assert part.stay.tolist() == [0, 1, 1]
    assert part.minute.tolist() == [120, 7, 67]
    assert part.value.tolist() == [80, 73, 74]
    assert part.bounds.tolist() == [0, 1, 3]
    assert part.recorded_until.tolist() == [120, 67]
    np.testing.assert_array_equal(part.length_of_stay, [np.nan, 5])


def test_take_keeps_persons_targets_and_the_end_of_the_recording(tmp_path: Path) -> None:
    rows = [eicu_row(stay_id, hour) for stay_id, hours in ((7, 2), (8, 1), (9, 3)) for hour in range(hours)]
    labels = [(stay_id, 0, 10.0 * stay_id) for stay_id in (7, 8, 9)]
    stays = [eicu_stay(stay_id, uniquepid=f"p{stay_id}") for stay_id in (7, 8, 9)]
    whole = read_cohort("eicu", write_eicu(tmp_path, rows, stays, labels))

    part = whole.take([2, 0])

    assert part.person == ("p9", "p7")
    assert part.recorded_until.tolist() == [180, 120]
    assert [targets(part, row) for row in range(2)] == [{1: 90.0}, {1: 70.0}]
    assert part.take([]).step_targets is not None


def test_take_nothing_leaves_an_empty_cohort(tmp_path: Path) -> None:
    whole = read_cohort("physionet2012", write(tmp_path, {"1.txt": stay(1, "00:07,HR,73")}))

    empty = whole.take([])

    assert (len(empty), len(empty.value), empty.bounds.tolist()) == (0, 0, [0])
