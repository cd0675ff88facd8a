"""The BIDMC reader on small files, each with one trap, and on the published ones."""

from pathlib import Path

import numpy as np
import pytest

from lemof_stream.cohorts import cohort_of, read_cohort, read_report
from lemof_stream.cohorts.bidmc import RATE, Recording, read
from lemof_stream.contracts.ehr import Demographics
from lemof_stream.errors import DataError
from tests.unit.cohorts.bidmc_files import recording, signals, table
from tests.unit.cohorts.recordings import archive, write


def one(folder: Path) -> Recording:
    (found,) = read(folder).recordings
    return found


def test_a_recording_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    own = one(write(tmp_path, recording("bidmc_07")))

    assert (own.record, own.person, own.location) == ("bidmc_07", "s01", "micu")
    assert own.demographics == Demographics(age=64, sex=0)
    assert (list(own.waveforms.ecg), own.waveforms.rate, own.waveforms.seconds) == (["II"], RATE, 120)
    assert own.waveforms.pleth is not None
    assert own.waveforms.pleth.max() > 0.9
    assert {name: float(shown[60]) for name, shown in own.numerics.items()} == {
        "HR": 75, "PULSE": 75, "RESP": 16, "SpO2": 98,
    }  # fmt: skip
    assert own.breaths[0][0] == 100 / RATE
    assert len(own.breaths[0]) > len(own.breaths[1]) > 25


def test_rounded_times_neither_repeat_nor_skip_a_sample(tmp_path: Path) -> None:
    report = read(write(tmp_path, recording("a"))).report

    assert report.parameters["PLETH, 125 Hz"].kept == 120 * RATE
    assert report.parameters["PLETH, 125 Hz"].dropped == {}


def test_archives_read_as_extracted_files_do_and_a_recording_counts_once(tmp_path: Path) -> None:
    archive(tmp_path / "csv.tar.xz", {f"deep/{name}": text for name, text in recording("a").items()})
    archived = read(tmp_path)
    write(tmp_path / "sub", recording("a"))
    write(tmp_path / "sub", recording("b") | {"notes.txt": "x"})

    both = read(tmp_path)

    assert [own.record for own in archived.recordings] == ["a"]
    assert [own.record for own in both.recordings] == ["a", "b"]
    assert (both.report.people, both.report.repeated_stays, both.report.other_files) == (1, 1, 1)
    assert cohort_of(tmp_path) == "bidmc"


def test_all_but_waveforms_may_be_absent(tmp_path: Path) -> None:
    own = one(write(tmp_path, {"new_Signals.csv": signals(leave_out=("II", "RESP"))}))

    assert (own.person, own.demographics, own.numerics) == ("new", Demographics(), {})
    assert (own.waveforms.ecg, own.waveforms.resp) == ({}, None)
    assert [len(times) for times in own.breaths] == [0, 0]


def test_a_recording_of_unknown_signals_still_lasts(tmp_path: Path) -> None:
    own = one(write(tmp_path, {"new_Signals.csv": signals(leave_out=("II", "RESP", "PLETH"))}))

    assert own.waveforms.seconds == 120


@pytest.mark.parametrize("fix", ["Age: NaN\nGender: ?\n", "Age: 430\n", "Age: old\n", ""])
def test_unknown_facts_are_none(tmp_path: Path, fix: str) -> None:
    files = recording("a") | {"a_Fix.txt": fix}

    assert one(write(tmp_path, files)).demographics == Demographics()


def test_lost_rows_leave_a_gap(tmp_path: Path) -> None:
    lines = signals().splitlines(keepends=True)
    lost = slice(1 + 30 * RATE, 1 + 40 * RATE)

    own = one(write(tmp_path, {"a_Signals.csv": "".join(lines[: lost.start] + lines[lost.stop :])}))

    assert own.waveforms.resp is not None
    assert own.waveforms.seconds == pytest.approx(120, abs=0.03)
    assert np.flatnonzero(np.isnan(own.waveforms.resp)) == pytest.approx(
        np.arange(lost.start - 1, lost.stop - 1), abs=3
    )


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    numerics = "Time [s], HR, RESP\n-1,70,15\n0,71,x\n1,900,\n1,72,16\nsoon,73,17\n2,74\n3,75,18\n"
    report_of = read(write(tmp_path, {"a_Signals.csv": signals(), "a_Numerics.csv": numerics}))
    report = report_of.report
    heart = report.parameters["HR, 1 Hz"]

    assert (heart.read, heart.kept) == (5, 2)
    assert heart.dropped == {"before the recording": 1, "stated before": 1, "impossible": 1}
    assert report.malformed == 1 + 1 + 2  # x; the short row; two values of no time
    assert report.values == report.malformed + sum(p.read for p in report.parameters.values())
    assert report.parameters["ABP, 125 Hz"].dropped == {"unknown parameter": 120 * RATE}
    (own,) = report_of.recordings
    assert own.numerics["HR"].tolist() == pytest.approx([71, np.nan, np.nan, 75], nan_ok=True)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "holds no recording of bidmc .* point at the folder"),
        ({"a_Numerics.csv": "Time [s], HR\n0,70\n"}, "holds no recording of bidmc"),
        ({"a_Signals.csv": "RESP,PLETH\n1,2\n"}, r"a_Signals\.csv lacks the column Time \[s\]"),
        ({"a_Signals.csv": table({"RESP": [0.0] * 500}, 250)}, "every 0.004 s, not every 0.008 s"),
    ],
)
def test_a_folder_of_another_format_is_one_sentence(
    tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        read(write(tmp_path, files))


def test_it_is_no_cohort_of_stays(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="bidmc holds waveforms of minutes, not stays"):
        read_cohort("bidmc", tmp_path)


def test_the_published_set_is_read_whole(data_dir: Path) -> None:
    report = read_report(data_dir / "bidmc")

    assert (report.cohort, report.stays, report.people, report.malformed) == ("bidmc", 24, 18, 0)
    lost = {name: counts.dropped for name, counts in report.parameters.items() if counts.dropped}
    assert {name for name in lost if name.endswith("125 Hz")} == {
        f"{p}, 125 Hz" for p in ("ABP", "ART", "CVP")
    }
    assert report.parameters["PLETH, 125 Hz"].kept == 24 * 60_001
    assert lost["HR, 1 Hz"] == {"before the recording": 1}
