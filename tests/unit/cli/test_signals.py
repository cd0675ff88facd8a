"""`lemof signals`, as a shell calls it."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from lemof_stream.cohorts.bidmc import read
from tests.programs import run_lemof
from tests.unit.cohorts.bidmc_files import recording
from tests.unit.cohorts.recordings import write

COLUMNS = ["record", "start_s", "end_s", "heart_rate", "resp_rate", "quality"]


def test_every_whole_minute_of_every_recording_is_a_row(tmp_path: Path) -> None:
    files = recording("b", heart=90, seconds=130) | recording("a") | recording("short", seconds=30)
    out = tmp_path / "new" / "w.parquet"

    done = run_lemof("signals", "--data", str(write(tmp_path / "data", files)), "--out", str(out))

    assert (done.returncode, done.stdout) == (0, "")
    assert "4 windows of 3 recordings" in done.stderr
    table = pq.read_table(out)
    assert table.column_names == COLUMNS
    places = zip(*(table[name].to_pylist() for name in COLUMNS[:3]), strict=True)
    assert list(places) == [("a", 0, 60), ("a", 60, 120), ("b", 0, 60), ("b", 60, 120)]
    assert table["heart_rate"].to_pylist() == pytest.approx([75, 75, 90, 90], abs=0.5)
    assert table["resp_rate"].to_pylist() == pytest.approx([16] * 4, abs=0.5)


def test_published_recordings_agree_with_the_monitor(data_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "w.parquet"
    done = run_lemof("signals", "--data", str(data_dir / "bidmc"), "--out", str(out), deadline_s=240)
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(out).to_pylist()
    shown = {own.record: own.numerics for own in read(data_dir / "bidmc").recordings}
    assert len(rows) == 24 * 8
    assert all(0 <= row["quality"] <= 1 for row in rows)
    for rate, name, most, least in (("heart_rate", "HR", 0.6, 0.95), ("resp_rate", "RESP", 1.0, 0.85)):
        kept = [row for row in rows if row[rate] is not None]
        errors = []
        for row in kept:
            numerics = shown[row["record"]][name][int(row["start_s"]) : int(row["end_s"])]
            if np.isfinite(numerics).any():
                errors.append(abs(row[rate] - np.nanmean(numerics)))
        assert len(kept) >= least * len(rows), rate
        assert np.mean(errors) <= most, rate


@pytest.mark.parametrize("name", ["empty", "absent"])
def test_nothing_to_read_is_one_sentence_and_status_2(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    out = tmp_path / "w.parquet"

    done = run_lemof("signals", "--data", str(tmp_path / name), "--out", str(out))

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    data = write(tmp_path / "data", recording("a"))

    done = run_lemof("signals", "--data", str(data), "--out", str(tmp_path))

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize(
    "command", [("predict", "--out", "p.parquet"), ("train", "--out", "checkpoint"), ("evaluate",)]
)
def test_waveforms_are_no_cohort_of_stays(command: tuple[str, ...], tmp_path: Path) -> None:
    done = run_lemof(*command, "--cohort", "bidmc", "--data", str(tmp_path))

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "lemof signals" in done.stderr
