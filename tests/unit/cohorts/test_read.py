"""Cohorts by name, and the name of what a folder holds."""

from pathlib import Path

import pytest

from lemof_stream.cohorts import cohort_of, read_cohort
from lemof_stream.errors import DataError
from tests.unit.cohorts.eicu_tables import eicu_row, eicu_stay, write_eicu
from tests.unit.cohorts.psv_files import psv
from tests.unit.cohorts.recordings import archive, stay, write


def test_an_unknown_cohort_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no reader for the cohort 'mimic'; use one of: physionet2012"):
        read_cohort("mimic", tmp_path)


def test_the_cohort_of_a_folder_is_worked_out(tmp_path: Path) -> None:
    archive(tmp_path / "set-a.tar.xz", {"set-a/1.txt": stay(1)})

    assert cohort_of(tmp_path) == "physionet2012"


def test_eicu_and_sepsis_2019_are_told_apart(tmp_path: Path) -> None:
    assert cohort_of(write_eicu(tmp_path / "one", [eicu_row(1, 0)], [eicu_stay(1)])) == "eicu"
    assert cohort_of(write(tmp_path / "two", {"deep/p1.psv": psv({"ICULOS": 1})})) == "sepsis2019"


def test_a_folder_of_no_known_format_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no data set that is known here"):
        cohort_of(write(tmp_path, {"p1.psv": "HR|O2Sat\n1|2\n"}))
