"""The Sepsis 2019 reader on small files, each with one trap, and on the published ones."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lemof_stream.cohorts import Cohort, ParameterCounts, read_cohort
from lemof_stream.contracts.ehr import Demographics
from lemof_stream.errors import DataError
from tests.unit.cohorts.psv_files import COLUMNS, psv
from tests.unit.cohorts.recordings import archive, assert_accounted, measured, targets, write


def read(*paths: Path) -> Cohort:
    return read_cohort("sepsis2019", *paths)


def counts(cohort: Cohort, name: str) -> ParameterCounts:
    return cohort.report.parameters[name]


def test_the_row_with_iculos_k_is_the_step_that_ends_at_hour_k(tmp_path: Path) -> None:
    rows = ({"ICULOS": 3, "HR": 80, "EtCO2": 35}, {"ICULOS": 5, "MAP": 70, "SepsisLabel": 1})
    write(tmp_path, {"p100001.psv": psv(*rows)})

    cohort = read(tmp_path)

    assert cohort.stay_ids == cohort.person == ("p100001",)
    assert measured(cohort) == {("heart_rate", 180): 80, ("etco2", 180): 35, ("map", 300): 70}
    assert targets(cohort) == {3: 0, 5: 1}


def test_a_row_without_a_value_still_counts_as_recorded(tmp_path: Path) -> None:
    write(tmp_path, {"p1.psv": psv({"ICULOS": 1, "HR": 80}, {"ICULOS": 9})})

    assert read(tmp_path).recorded_until.tolist() == [540]


def test_archives_read_as_extracted_files_do_and_a_stay_counts_once(tmp_path: Path) -> None:
    files = {f"set/p{n}.psv": psv({"ICULOS": n, "HR": 70 + n}) for n in (1, 2)}
    archive(tmp_path / "training.tar.xz", files)
    archived = read(tmp_path)
    write(tmp_path / "deep", {"p1.psv": files["set/p1.psv"]})

    both = read(tmp_path)

    assert archived.stay_ids == both.stay_ids == ("p1", "p2")
    assert [measured(both, row) for row in range(2)] == [measured(archived, row) for row in range(2)]
    assert (archived.report.repeated_stays, both.report.repeated_stays) == (0, 1)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, Demographics(age=61, sex=0, unit_type="surgical", pre_icu_hours=3.1)),
        (
            {"Gender": 1, "Unit1": 1, "Unit2": 0},
            Demographics(age=61, sex=1, unit_type="medical", pre_icu_hours=3.1),
        ),
        ({"Unit1": "NaN", "Unit2": "NaN"}, Demographics(age=61, sex=0, pre_icu_hours=3.1)),
        ({"Unit1": 1, "Unit2": 1, "Age": 430}, Demographics(sex=0, pre_icu_hours=3.1)),
        ({"Gender": 0.5, "HospAdmTime": "NaN"}, Demographics(age=61, unit_type="surgical")),
        ({"HospAdmTime": 0}, Demographics(age=61, sex=0, unit_type="surgical", pre_icu_hours=0)),
        ({"HospAdmTime": -20000}, Demographics(age=61, sex=0, unit_type="surgical", pre_icu_hours=8784)),
        ({"HospAdmTime": 2}, Demographics(age=61, sex=0, unit_type="surgical")),
    ],
)
def test_facts_are_demographics(
    tmp_path: Path, facts: Mapping[str, float | str], expected: Demographics
) -> None:
    write(tmp_path, {"p1.psv": psv({"ICULOS": 1, **facts})})

    assert read(tmp_path).demographics == (expected,)


def test_a_fact_that_every_row_repeats_is_one_statement_and_the_first_counts(tmp_path: Path) -> None:
    ages = (61, 61, 62, 62)
    write(
        tmp_path, {"p1.psv": psv(*({"ICULOS": k, "Age": age} for k, age in enumerate(ages, 1))),
                   "p2.psv": psv({"ICULOS": 1, "Age": 62})}
    )  # fmt: skip

    cohort = read(tmp_path)

    assert [d.age for d in cohort.demographics] == [61, 62]
    assert (counts(cohort, "Age").kept, counts(cohort, "Age").dropped) == (2, {"stated before": 1})


@pytest.mark.parametrize(
    ("charted", "channel", "value"),
    [
        (8.2, "calcium", 8.2),
        (1.15, "calcium_ionized", 1.15),
        (4.8, "calcium_ionized", 4.8 / 4.008),
    ],
)
def test_calcium_is_total_or_ionized_by_its_size(
    tmp_path: Path, charted: float, channel: str, value: float
) -> None:
    write(tmp_path, {"p1.psv": psv({"ICULOS": 1, "Calcium": charted})})

    assert measured(read(tmp_path)) == {(channel, 60): pytest.approx(value)}


@pytest.mark.parametrize("fio2", [-50, 2.0, 0.05])
def test_an_impossible_value_is_dropped(tmp_path: Path, fio2: float) -> None:
    write(tmp_path, {"p1.psv": psv({"ICULOS": 1, "FiO2": fio2})})

    cohort = read(tmp_path)

    assert measured(cohort) == {}
    assert counts(cohort, "FiO2").dropped == {"impossible": 1}


def test_cells_rows_and_steps_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    text = psv(
        {"ICULOS": 1, "HR": "fast", "MAP": ""},
        {"ICULOS": "soon", "HR": 71},
        {"ICULOS": 1.5, "HR": 72},
        {"ICULOS": 9000, "HR": 73},
        {"ICULOS": 0, "HR": 74},
        {"ICULOS": 2, "HR": 75},
    )
    write(tmp_path, {"p1.psv": text + "1|2|3\n\n"})

    cohort = read(tmp_path)

    assert measured(cohort) == {("heart_rate", 120): 75}
    assert counts(cohort, "HR").dropped == {"before admission": 1}
    assert (
        cohort.report.malformed == 1 + 3 + 3 + 1
    )  # fast; three heart rates and labels of no step; the short row
    assert cohort.recorded_until.tolist() == [120]
    assert_accounted(cohort)


def test_files_may_differ_in_the_order_and_number_of_columns(tmp_path: Path) -> None:
    bare = [name for name in reversed(COLUMNS) if name != "SepsisLabel"]
    files = {
        "p1.psv": psv({"ICULOS": 1, "HR": 71}, columns=[*COLUMNS, "Mood"]).replace("|NaN\n", "|calm\n"),
        "p2.psv": psv({"ICULOS": 1, "HR": 72}, columns=bare).replace("\n", "\r\n"),
        "p3.psv": "\ufeff" + psv({"ICULOS": 1, "HR": 73}),
    }

    cohort = read(write(tmp_path, files))

    assert [measured(cohort, row) for row in range(3)] == [
        {("heart_rate", 60): rate} for rate in (71, 72, 73)
    ]
    assert [targets(cohort, row) for row in range(3)] == [{1: 0}, {}, {1: 0}]
    assert counts(cohort, "Mood").dropped == {"unknown parameter": 1}


def test_labels_may_be_absent(tmp_path: Path) -> None:
    write(tmp_path, {"p1.psv": psv({"ICULOS": 1, "HR": 71}, columns=COLUMNS[:-1])})

    assert read(tmp_path).step_targets is None


def test_a_label_is_zero_or_one(tmp_path: Path) -> None:
    labels = ((1, 1), (2, 0.5), (3, 2), (4, "NaN"))
    write(tmp_path, {"p1.psv": psv(*({"ICULOS": step, "SepsisLabel": label} for step, label in labels))})

    cohort = read(tmp_path)

    assert targets(cohort) == {1: 1}
    assert counts(cohort, "SepsisLabel").dropped == {"impossible": 2}


def test_a_file_that_holds_only_its_header_is_a_stay(tmp_path: Path) -> None:
    write(tmp_path, {"p1.psv": psv(), "p2.psv": psv({"ICULOS": 2, "HR": 70})})

    cohort = read(tmp_path)

    assert (cohort.stay_ids, cohort.recorded_until.tolist()) == (("p1", "p2"), [0, 120])


CELLS = st.one_of(st.just("NaN"), st.just("x"), st.floats(-5, 400).map(str))
ROW = st.fixed_dictionaries(
    {"ICULOS": st.one_of(st.integers(-1, 30), st.just("NaN")), "HR": CELLS, "Calcium": CELLS, "Age": CELLS}
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stays=st.lists(st.lists(ROW, max_size=8), min_size=1, max_size=4))
def test_every_value_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, stays: list[list[dict[str, str | float]]]
) -> None:
    files = {f"p{index}.psv": psv(*rows) for index, rows in enumerate(stays)}

    cohort = read(write(tmp_path_factory.mktemp("sepsis"), files))

    assert_accounted(cohort)
    vital = ("HR", "Calcium", "Calcium (ionized)")
    parameters = cohort.report.parameters
    assert len(cohort.value) == sum(parameters[name].kept for name in vital if name in parameters)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "holds no stay of sepsis2019 .* point at the folder"),
        ({"p1.psv": "HR|O2Sat\n1|2\n"}, "holds no stay of sepsis2019"),
        (
            {"p1.psv": psv(columns=[name for name in COLUMNS if name != "WBC"])},
            r"p1\.psv lacks the column WBC; point at",
        ),
    ],
)
def test_a_folder_of_another_format_is_one_sentence(
    tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        read(write(tmp_path, files))


def test_an_archive_that_is_cut_off_is_one_sentence(tmp_path: Path) -> None:
    path = archive(tmp_path / "set.tar.xz", {"p1.psv": psv({"ICULOS": 1})})
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(DataError, match="is damaged or cut off"):
        read(tmp_path)


def test_the_published_set_is_read_whole(data_dir: Path) -> None:
    cohort = read(data_dir / "sepsis2019")

    assert (len(cohort), len(cohort.channels)) == (6954, 35)
    assert cohort.report.malformed == 0
    assert cohort.step_targets is not None
    assert (len(cohort.step_targets.value), cohort.step_targets.value.sum()) == (263_243, 3672)
    assert_accounted(cohort)
    order = (cohort.stay.astype(np.int64) * 100_000 + cohort.minute) * 100 + cohort.channel
    assert (np.diff(order) > 0).all()
    for name, parameter in cohort.report.parameters.items():
        # Troponin's plausible range is that of other assays: 172 of 4,822 values lie above it.
        lost = sum(parameter.dropped.values()) + parameter.clipped
        assert lost <= (0.04 if name == "TroponinI" else 0.01) * parameter.read, name
