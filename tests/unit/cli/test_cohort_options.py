from pathlib import Path

import pytest

from lemof_stream.cli.cohort_options import folders
from lemof_stream.settings import load_settings
from tests.programs import run_lemof
from tests.recorded_stays import HOURS, write_stays


def test_folders_that_are_given_win(tmp_path: Path) -> None:
    given = [tmp_path / "a", tmp_path / "b"]

    assert folders("physionet2012", given, load_settings(data=tmp_path)) == given


def test_the_cohorts_folder_is_taken_where_there_is_one(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path)
    assert folders("physionet2012", None, settings) == [tmp_path]

    (tmp_path / "physionet2012").mkdir()

    assert folders("physionet2012", None, settings) == [tmp_path / "physionet2012"]


def test_the_folder_of_the_eicu_demo_has_its_published_name(tmp_path: Path) -> None:
    (tmp_path / "eicu_demo").mkdir()

    assert folders("eicu", None, load_settings(data=tmp_path)) == [tmp_path / "eicu_demo"]


def test_predict_finds_the_recordings_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stays(tmp_path / "data" / "physionet2012", 2, outcomes=False)
    monkeypatch.setenv("LEMOF_DATA", str(tmp_path / "data"))

    done = run_lemof("predict", "--cohort", "physionet2012", "--out", str(tmp_path / "p.parquet"))

    assert done.returncode == 0, done.stderr
    assert f"{2 * HOURS} predictions" in done.stderr


@pytest.mark.parametrize(
    "command", [("predict", "--out", "p.parquet"), ("train", "--out", "checkpoint"), ("evaluate",)]
)
def test_recordings_that_nobody_named_are_one_sentence_and_status_2(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEMOF_DATA", raising=False)

    done = run_lemof(*command, "--cohort", "physionet2012")

    assert (done.returncode, done.stdout) == (2, "")
    [sentence] = done.stderr.splitlines()
    assert "--data" in sentence
    assert "LEMOF_DATA" in sentence
