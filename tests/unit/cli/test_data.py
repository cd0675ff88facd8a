"""`lemof data check`, as a shell calls it."""

import json
from pathlib import Path

import pytest

from tests.programs import run_lemof
from tests.unit.cohorts.eicu_tables import eicu_row, eicu_stay, write_eicu
from tests.unit.cohorts.psv_files import COLUMNS, psv
from tests.unit.cohorts.recordings import OUTCOMES, stay, write


def test_check_tells_what_is_kept_and_why_the_rest_is_not(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "1.txt": stay(132539, "00:07,HR,73", "00:08,HR,9e9", "00:09,,5", "00:10,[/x]\x1b[2J,5"),
            "Outcomes-a.txt": OUTCOMES,
        },
    )

    done = run_lemof("data", "check", str(tmp_path))

    assert (done.returncode, done.stderr) == (0, "")
    assert "physionet2012: 1 stays" in done.stdout
    assert "impossible" in done.stdout
    assert "(empty)" in done.stdout
    assert r"[/x]\x1b[2J" in done.stdout
    assert "\x1b" not in done.stdout


def test_check_prints_one_json_object(tmp_path: Path) -> None:
    write(tmp_path, {"1.txt": stay(132539, "00:07,HR,300")})

    done = run_lemof("data", "check", str(tmp_path), "--json")

    told = json.loads(done.stdout)
    assert (told["cohort"], told["stays"], told["malformed"]) == ("physionet2012", 1, 0)
    assert told["parameters"]["HR"]["clipped"] == 1


def test_check_tells_of_people_and_of_steps_with_a_target(tmp_path: Path) -> None:
    rows = [eicu_row(stay_id, 0, hr=80) for stay_id in (7, 8, 9)]
    stays = [eicu_stay(stay_id, uniquepid="one") for stay_id in (7, 8, 9)]

    done = run_lemof("data", "check", str(write_eicu(tmp_path, rows, stays, [(7, 0, 5), (8, 0, 4)])))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("eicu: 3 stays of 1 people; targets of 2 steps.\n")


def test_check_says_that_nothing_is_known_of_outcomes(tmp_path: Path) -> None:
    write(tmp_path, {"p1.psv": psv({"ICULOS": 1, "HR": 70}, columns=COLUMNS[:-1])})

    done = run_lemof("data", "check", str(tmp_path))

    assert done.stdout.startswith("sepsis2019: 1 stays; no outcomes.\n")


@pytest.mark.parametrize("folder", ["empty", "absent"])
def test_check_of_nothing_is_one_sentence_and_status_2(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()

    done = run_lemof("data", "check", str(tmp_path / folder))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"lemof: {tmp_path / folder} ")
    assert len(done.stderr.splitlines()) == 1
