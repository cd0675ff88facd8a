"""`lemof predict` and `lemof evaluate`, as a shell calls them."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.programs import run_lemof
from tests.recorded_stays import HOURS, write_stays


def test_predict_writes_every_step_with_the_packaged_checkpoint(tmp_path: Path) -> None:
    write_stays(tmp_path / "data", 3, outcomes=False)
    out = tmp_path / "p.parquet"
    done = run_lemof(
        "predict", "--cohort", "physionet2012", "--data", str(tmp_path / "data"), "--out", str(out)
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert pq.read_table(out).num_rows == 3 * HOURS


def test_evaluate_prints_one_json_object(tmp_path: Path) -> None:
    write_stays(tmp_path, 8)
    done = run_lemof("evaluate", "--cohort", "physionet2012", "--data", str(tmp_path), "--json")
    assert done.returncode == 0
    scores = json.loads(done.stdout)
    assert list(scores["hours"]) == ["6", "12", "24", "48"]
    assert scores["hours"]["6"]["recorded"]["death"]["positive"] == 2


@pytest.mark.parametrize("name", ["empty", "absent"])
def test_predict_of_nothing_is_one_sentence_and_status_2(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    arguments = (
        "--cohort",
        "physionet2012",
        "--data",
        str(tmp_path / name),
        "--out",
        str(tmp_path / "p.parquet"),
    )
    done = run_lemof("predict", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "p.parquet").exists()


def test_a_checkpoint_that_is_none_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    write_stays(tmp_path, 1)
    arguments = ("--cohort", "physionet2012", "--data", str(tmp_path), "--checkpoint", str(tmp_path))
    done = run_lemof("evaluate", *arguments, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
