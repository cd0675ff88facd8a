"""The PhysioNet 2012 reader on small folders, each with one of the traps of charted data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lemof_stream.cohorts import Cohort, ParameterCounts, read_cohort
from lemof_stream.contracts.ehr import Demographics
from lemof_stream.errors import DataError
from tests.unit.cohorts.recordings import OUTCOMES, archive, assert_accounted, measured, stay, write


def read(*paths: Path) -> Cohort:
    return read_cohort("physionet2012", *paths)


def counts(cohort: Cohort, name: str) -> ParameterCounts:
    return cohort.report.parameters[name]


def test_vitals_and_ehr_items_become_channels_at_their_minute(tmp_path: Path) -> None:
    write(tmp_path, {"132539.txt": stay(132539, "00:07,HR,73", "01:30,Lactate,2.5")})

    assert measured(read(tmp_path)) == {("heart_rate", 7): 73.0, ("lactate", 90): 2.5}


def test_descriptors_are_demographics_and_minus_one_is_missing(tmp_path: Path) -> None:
    write(tmp_path, {"132539.txt": stay(132539)})

    cohort = read(tmp_path)

    assert cohort.demographics == (Demographics(age=54, sex=0, unit_type="surgical"),)
    assert counts(cohort, "Height").dropped == {"missing (-1)": 1}


def test_the_weight_of_minute_0_is_an_observation_and_the_admission_weight(tmp_path: Path) -> None:
    write(tmp_path, {"132539.txt": stay(132539, "05:00,Weight,82", weight="80.5")})

    cohort = read(tmp_path)

    assert cohort.demographics[0].weight_kg == 80.5
    assert measured(cohort) == {("weight", 0): 80.5, ("weight", 300): 82.0}


@pytest.mark.parametrize(
    ("line", "value"),
    [("Temp,98.6", 37.0), ("FiO2,40", 0.4), ("FiO2,100", 1.0), ("pH,735", 7.35), ("pH,7.35", 7.35)],
)
def test_other_units_are_converted(tmp_path: Path, line: str, value: float) -> None:
    write(tmp_path, {"132539.txt": stay(132539, f"00:10,{line}")})

    cohort = read(tmp_path)

    assert list(measured(cohort).values()) == [pytest.approx(value)]
    assert counts(cohort, line.partition(",")[0]).converted == (line != "pH,7.35")


@pytest.mark.parametrize(
    ("line", "kept", "dropped"),
    [
        ("HR,300", [250.0], {}),
        ("HR,9e9", [], {"impossible": 1}),
        ("HR,-1", [], {"missing (-1)": 1}),
        ("Temp,-17.8", [], {"impossible": 1}),
        ("pH,96", [], {"impossible": 1}),
    ],
)
def test_beyond_plausible_is_clipped_beyond_possible_dropped(
    tmp_path: Path, line: str, kept: list[float], dropped: dict[str, int]
) -> None:
    write(tmp_path, {"132539.txt": stay(132539, f"00:10,{line}")})

    cohort = read(tmp_path)

    assert list(measured(cohort).values()) == kept
    assert counts(cohort, line.partition(",")[0]).dropped == dropped
    assert counts(cohort, line.partition(",")[0]).clipped == len(kept)


@pytest.mark.parametrize("descriptor", ["Height,462.3", "Height,13", "Gender,0.5", "ICUType,7", "Age,430"])
def test_impossible_descriptors_are_dropped(tmp_path: Path, descriptor: str) -> None:
    name = descriptor.partition(",")[0]
    text = "\n".join(line for line in stay(132539).splitlines() if f",{name}," not in line)
    write(tmp_path, {"132539.txt": f"{text}\n00:00,{descriptor}\n"})

    assert counts(read(tmp_path), name).dropped == {"impossible": 1}


def test_a_descriptor_counts_at_admission_and_once(tmp_path: Path) -> None:
    write(tmp_path, {"132539.txt": stay(132539, "00:00,Age,55", "09:00,ICUType,1")})

    cohort = read(tmp_path)

    assert cohort.demographics[0].age == 54
    assert counts(cohort, "Age").dropped == {"stated before": 1}
    assert counts(cohort, "ICUType").dropped == {"after admission": 1}


def test_several_values_of_a_minute_become_their_mean(tmp_path: Path) -> None:
    write(tmp_path, {"132539.txt": stay(132539, "00:07,MAP,70", "00:08,MAP,60", "00:07,MAP,80")})

    cohort = read(tmp_path)

    assert measured(cohort) == {("art_map", 7): 75.0, ("art_map", 8): 60.0}
    assert counts(cohort, "MAP").collapsed == 1


def test_empty_and_unknown_names_and_malformed_lines_are_dropped_and_counted(tmp_path: Path) -> None:
    odd = ("00:09,,5", "00:09,Mood,3", "00:09,HR", "00:09,HR,1,2", "soon,HR,70", "00:61,HR,70", "00:09,HR,fast",
           "00:09,HR,nan", "00:09,HR,1_0", "", "\x1e,HR,70")  # fmt: skip
    write(tmp_path, {"132539.txt": stay(132539, *odd, "00:10,HR,70")})

    cohort = read(tmp_path)

    assert measured(cohort) == {("heart_rate", 10): 70.0}
    assert counts(cohort, "").dropped == {"no parameter name": 1}
    assert counts(cohort, "Mood").dropped == {"unknown parameter": 1}
    assert cohort.report.malformed == 8


def test_outcomes_are_found_anywhere_and_minus_one_is_unknown(tmp_path: Path) -> None:
    write(
        tmp_path, {"a/132539.txt": stay(132539), "b/132540.txt": stay(132540), "c/Outcomes-x.txt": OUTCOMES}
    )
    write(tmp_path, {"b/132541.txt": stay(132541)})

    cohort = read(tmp_path)

    np.testing.assert_array_equal(cohort.length_of_stay, [5, np.nan, np.nan])
    np.testing.assert_array_equal(cohort.death, [0, 1, np.nan])


def test_an_archive_takes_the_outcomes_beside_it(tmp_path: Path) -> None:
    write(tmp_path, {"Outcomes-a.txt": OUTCOMES})
    path = archive(tmp_path / "set-a.tar.xz", {"set-a/132539.txt": stay(132539)})

    assert read(path).length_of_stay.tolist() == [5]


def test_a_stay_that_is_extracted_and_archived_counts_once(tmp_path: Path) -> None:
    write(tmp_path, {"set-a/132539.txt": stay(132539, "00:07,HR,73")})
    archive(tmp_path / "set-a.tar.xz", {"set-a/132539.txt": stay(132539, "00:07,HR,73")})

    cohort = read(tmp_path)

    assert (cohort.stay_ids, cohort.report.repeated_stays) == (("132539",), 1)
    assert measured(cohort) == {("heart_rate", 7): 73.0}


def test_the_record_id_names_a_stay_and_the_file_name_serves_where_it_is_absent(tmp_path: Path) -> None:
    write(tmp_path, {"renamed.txt": stay(7), "8.txt": "Time,Parameter,Value\n00:01,HR,70\n"})

    assert read(tmp_path).stay_ids == ("7", "8")


def test_lines_may_end_as_on_windows(tmp_path: Path) -> None:
    write(tmp_path, {"132539.txt": stay(132539, "00:07,HR,73").replace("\n", "\r\n")})

    cohort = read(tmp_path)

    assert (cohort.stay_ids, measured(cohort)) == (("132539",), {("heart_rate", 7): 73.0})


def test_a_stay_without_a_single_measurement_is_a_stay(tmp_path: Path) -> None:
    write(tmp_path, {"1.txt": stay(1), "2.txt": stay(2, "00:07,HR,73"), "3.txt": stay(3)})

    cohort = read(tmp_path)

    assert (len(cohort), cohort.recorded_until.tolist()) == (3, [0, 7, 0])


def test_folders_are_read_together(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", {"2.txt": stay(2)}), write(tmp_path / "two", {"1.txt": stay(1)})

    assert read(one, two).stay_ids == ("1", "2")


CHARTED = st.lists(
    st.tuples(
        st.integers(0, 2880),
        st.sampled_from(["HR", "Temp", "pH", "Lactate", "Weight", "Age", "Mood", ""]),
        st.one_of(st.floats(-5, 800).map(str), st.sampled_from(["-1", "x", ""])),
    ).map(lambda t: f"{t[0] // 60:02}:{t[0] % 60:02},{t[1]},{t[2]}"),
    max_size=30,
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(charts=st.dictionaries(st.integers(1, 999_999), CHARTED, min_size=1, max_size=4))
def test_archives_read_as_extracted_files_do_and_every_line_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, charts: Mapping[int, list[str]]
) -> None:
    files = {f"set-a/{record}.txt": stay(record, *lines) for record, lines in charts.items()}
    extracted = read(write(tmp_path_factory.mktemp("extracted"), files))
    archived = read(archive(tmp_path_factory.mktemp("archived") / "set-a.tar.xz", files))

    assert_equal(extracted, archived)
    report = extracted.report
    assert report.values == sum(len(text.splitlines()) - 1 for text in files.values())
    assert_accounted(extracted)
    descriptors = ("RecordID", "Age", "Gender", "Height", "ICUType")
    kept = sum(p.kept for name, p in report.parameters.items() if name not in descriptors)
    assert kept == len(extracted.value)


def assert_equal(one: Cohort, other: Cohort) -> None:
    def plain(cohort: Cohort) -> dict[str, Any]:
        return {k: v for k, v in vars(cohort).items() if not isinstance(v, np.ndarray)}

    assert plain(one) == plain(other)
    for name in ("length_of_stay", "death", "recorded_until", "stay", "minute", "channel", "value"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, r"holds no stay of physionet2012 .* point at the folder"),
        ({"notes.txt": "hello\n"}, "holds no stay of physionet2012"),
        (
            {"1.txt": stay(1), "Outcomes-a.txt": "RecordID,SOFA\n1,2\n"},
            "Outcomes-a.txt lacks the column Length_of",
        ),
        (
            {"1.txt": stay(1), "Outcomes-a.txt": OUTCOMES[:-9]},
            "Line 3 of Outcomes-a.txt is no row of outcomes",
        ),
    ],
)
def test_a_folder_of_another_format_is_one_sentence(
    tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        read(write(tmp_path, files))


def test_the_published_sets_are_read_whole(data_dir: Path) -> None:
    cohort = read(data_dir / "physionet2012")

    assert len(cohort) == 8000
    assert cohort.report.malformed == 0
    assert cohort.report.outcomes_death == 8000
    order = (cohort.stay.astype(np.int64) * 10_000 + cohort.minute) * 100 + cohort.channel
    assert (np.diff(order) > 0).all()
    assert cohort.recorded_until.max() <= 2880
