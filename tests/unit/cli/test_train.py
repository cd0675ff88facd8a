"""`lemof train`, as a shell calls it."""

from pathlib import Path

from tests.programs import run_lemof
from tests.recorded_stays import write_stays


def test_a_folder_without_outcomes_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    write_stays(tmp_path / "data", 5, outcomes=False)
    arguments = (
        "--cohort",
        "physionet2012",
        "--data",
        str(tmp_path / "data"),
        "--out",
        str(tmp_path / "out"),
    )
    done = run_lemof("train", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "outcomes" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
