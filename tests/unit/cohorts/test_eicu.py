"""The eICU reader on small tables, each with one trap, and on the published ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lemof_stream.cohorts import Cohort, ParameterCounts, read_cohort
from lemof_stream.contracts.channels import CHANNELS
from lemof_stream.contracts.ehr import Demographics
from lemof_stream.errors import DataError
from tests.unit.cohorts.eicu_tables import eicu_row, eicu_stay, write_eicu
from tests.unit.cohorts.recordings import assert_accounted, measured, targets


def read(*paths: Path) -> Cohort:
    return read_cohort("eicu", *paths)


def counts(cohort: Cohort, name: str) -> ParameterCounts:
    return cohort.report.parameters[name]


def test_the_row_of_hour_h_is_the_step_that_ends_at_the_next_hour(tmp_path: Path) -> None:
    rows = [eicu_row(7, 0, hr=80, cai=1.2), eicu_row(7, 3, map=75)]

    cohort = read(write_eicu(tmp_path, rows, [eicu_stay(7)], [(7, 0, 9), (7, 3, 6)]))

    assert measured(cohort) == {("heart_rate", 60): 80, ("calcium_ionized", 60): 1.2, ("map", 240): 75}
    assert targets(cohort) == {1: 9, 4: 6}


def test_a_row_without_a_value_still_counts_as_recorded(tmp_path: Path) -> None:
    rows = [eicu_row(7, 0, hr=80), eicu_row(7, 5)]

    assert read(write_eicu(tmp_path, rows, [eicu_stay(7)])).recorded_until.tolist() == [360]


def test_columns_and_rows_may_come_in_any_order_and_with_others(tmp_path: Path) -> None:
    extra = {"mood": 3.0, "age": 4.0, "__index_level_0__": 0.0}
    rows = [eicu_row(8, 1, hr=82), eicu_row(7, 0, hr=70, **extra), eicu_row(8, 0, hr=81)]
    shuffled = [dict(reversed(row.items())) for row in rows]

    cohort = read(write_eicu(tmp_path, shuffled, [eicu_stay(8, age=50.0), eicu_stay(7, age=40.0)]))

    assert cohort.stay_ids == ("7", "8")
    assert [d.age for d in cohort.demographics] == [40, 50]
    assert measured(cohort, 1) == {("heart_rate", 60): 81, ("heart_rate", 120): 82}
    assert counts(cohort, "mood").dropped == {"unknown parameter": 1}
    assert counts(cohort, "dyn.parquet: age").dropped == {"unknown parameter": 1}
    assert "__index_level_0__" not in cohort.report.parameters


def test_another_column_need_not_hold_numbers(tmp_path: Path) -> None:
    folder = write_eicu(tmp_path, [eicu_row(7, 0, hr=70)], [eicu_stay(7)])
    table = pq.read_table(folder / "dyn.parquet")
    pq.write_table(table.append_column("note", [["calm"]]), folder / "dyn.parquet")

    cohort = read(folder)

    assert cohort.report.malformed == 0
    assert counts(cohort, "note").dropped == {"unknown parameter": 1}


def test_fio2_is_charted_in_percent(tmp_path: Path) -> None:
    cohort = read(write_eicu(tmp_path, [eicu_row(7, 0, fio2=40)], [eicu_stay(7)]))

    assert measured(cohort) == {("fio2", 60): pytest.approx(0.4)}
    assert counts(cohort, "fio2").converted == 1


def test_what_is_impossible_is_dropped_and_what_is_implausible_clipped(tmp_path: Path) -> None:
    rows = [eicu_row(7, 0, dbp=0, crp=3560, sbp=20), eicu_row(7, 1, hr=float("inf"))]

    cohort = read(write_eicu(tmp_path, rows, [eicu_stay(7)]))

    assert measured(cohort) == {("sbp", 60): 30}
    assert counts(cohort, "dbp").dropped == counts(cohort, "crp").dropped == {"impossible": 1}
    assert counts(cohort, "sbp").clipped == 1
    assert cohort.report.malformed == 1


@pytest.mark.parametrize(
    ("hour", "malformed", "dropped"), [(None, 1, 0), (9000, 1, 0), (-1, 0, 1), (-0.5, 0, 1)]
)
def test_rows_outside_the_stay_are_dropped(
    tmp_path: Path, hour: float | None, malformed: int, dropped: int
) -> None:
    cohort = read(write_eicu(tmp_path, [eicu_row(7, hour, hr=70), eicu_row(7, 0, hr=80)], [eicu_stay(7)]))

    assert measured(cohort) == {("heart_rate", 60): 80}
    assert cohort.recorded_until.tolist() == [60]
    assert cohort.report.malformed == malformed
    assert counts(cohort, "hr").dropped.get("before admission", 0) == dropped


def test_rows_of_one_hour_become_their_mean(tmp_path: Path) -> None:
    cohort = read(write_eicu(tmp_path, [eicu_row(7, 2, hr=70), eicu_row(7, 2.5, hr=80)], [eicu_stay(7)]))

    assert measured(cohort) == {("heart_rate", 180): 75}
    assert counts(cohort, "hr").collapsed == 1


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, Demographics(age=60, sex=1, height_cm=170, weight_kg=80)),
        ({"sex": "Female"}, Demographics(age=60, sex=0, height_cm=170, weight_kg=80)),
        ({"sex": "Other", "height": 15.2}, Demographics(age=60, weight_kg=80)),
        ({"age": None, "sex": None, "weight": float("nan")}, Demographics(height_cm=170)),
    ],
)
def test_facts_are_demographics(tmp_path: Path, facts: dict[str, Any], expected: Demographics) -> None:
    known = eicu_stay(8)  # gives the columns their types
    rows = [eicu_row(7, 0), eicu_row(8, 0)]

    assert read(write_eicu(tmp_path, rows, [eicu_stay(7, **facts), known])).demographics[0] == expected


def test_stays_of_one_person_share_a_name_and_unknown_persons_have_their_own(tmp_path: Path) -> None:
    stays = [eicu_stay(7, uniquepid="a"), eicu_stay(8, uniquepid="a"), eicu_stay(9, uniquepid=None)]

    cohort = read(write_eicu(tmp_path, [eicu_row(n, 0) for n in (7, 8, 9, 10)], stays))

    assert cohort.person == ("a", "a", "9", "10")
    assert (cohort.report.stays, cohort.report.people) == (4, 3)
    assert cohort.demographics[3] == Demographics()


def test_statements_on_stays_and_hours_without_a_row_are_dropped(tmp_path: Path) -> None:
    labels = [(7, 0.0, 5.0), (7, 1.0, 4.0), (6, 0.0, 3.0), (7, 0.0, 9.0), (8, 0.0, -1.0)]
    rows = [eicu_row(7, 0), eicu_row(8, 0)]

    cohort = read(write_eicu(tmp_path, rows, [eicu_stay(7), eicu_stay(9)], labels))

    assert (targets(cohort), targets(cohort, 1)) == ({1: 5.0}, {})
    assert counts(cohort, "label").dropped == {"of no stay or row": 2, "stated before": 1, "impossible": 1}
    assert counts(cohort, "age").dropped == {"of no stay or row": 1}


def test_outcomes_may_be_absent(tmp_path: Path) -> None:
    cohort = read(write_eicu(tmp_path, [eicu_row(7, 0)], [eicu_stay(7)]))

    assert cohort.step_targets is None
    assert np.isnan(cohort.length_of_stay).all()
    assert np.isnan(cohort.death).all()


def test_folders_are_read_together_and_a_stay_once(tmp_path: Path) -> None:
    write_eicu(tmp_path / "a", [eicu_row(7, 0, hr=70)], [eicu_stay(7)], [(7, 0, 1)])
    write_eicu(tmp_path / "b", [eicu_row(7, 0, hr=90), eicu_row(5, 0, hr=50)], [eicu_stay(7), eicu_stay(5)])

    cohort = read(tmp_path)

    assert cohort.stay_ids == ("5", "7")
    assert measured(cohort, 1) == {("heart_rate", 60): 70}
    assert cohort.report.repeated_stays == 1
    assert targets(cohort, 1) == {1: 1}


CELLS = st.one_of(st.none(), st.floats(-5, 1200), st.just(float("inf")))


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.builds(
            eicu_row,
            st.integers(1, 3),
            st.one_of(st.none(), st.integers(-2, 40)),
            hr=CELLS,
            fio2=CELLS,
            mood=CELLS,
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_value_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    cohort = read(write_eicu(tmp_path_factory.mktemp("eicu"), rows, [eicu_stay(2)]))

    assert_accounted(cohort)
    parameters = cohort.report.parameters
    assert len(cohort.value) == sum(parameters[name].kept for name in ("hr", "fio2") if name in parameters)


@pytest.mark.parametrize("name", ["dyn.parquet", "sta.parquet"])
def test_a_missing_table_is_one_sentence(tmp_path: Path, name: str) -> None:
    folder = write_eicu(tmp_path, [eicu_row(7, 0)], [eicu_stay(7)])
    (folder / name).unlink()

    with pytest.raises(DataError, match=rf"holds no {name}, which eicu needs; point at the folder"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "column"), [("dyn.parquet", "wbc"), ("sta.parquet", "uniquepid"), ("outc.parquet", "label")]
)
def test_a_missing_column_is_one_sentence(tmp_path: Path, name: str, column: str) -> None:
    folder = write_eicu(tmp_path, [eicu_row(7, 0)], [eicu_stay(7)], [(7, 0, 1)])
    pq.write_table(pq.read_table(folder / name).drop_columns([column]), folder / name)

    with pytest.raises(DataError, match=rf"{name} lacks the column {column}; point at"):
        read(folder)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_table_that_is_cut_off_is_one_sentence(tmp_path: Path, share: float) -> None:
    path = write_eicu(tmp_path, [eicu_row(7, 0)], [eicu_stay(7)]) / "dyn.parquet"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    with pytest.raises(DataError, match=r"dyn\.parquet is damaged or no parquet file"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"stay_id": "seven"}, "stay_id that is no whole number"),
        ({"age": "> 89"}, "column age of sta.parquet holds string where numbers are due"),
    ],
)
def test_a_column_of_another_type_is_one_sentence(
    tmp_path: Path, facts: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        read(write_eicu(tmp_path, [eicu_row(7, 0)], [eicu_stay(7) | facts]))


def test_a_parameter_that_holds_text_is_one_sentence(tmp_path: Path) -> None:
    folder = write_eicu(tmp_path, [eicu_row(7, 0, hr=70)], [eicu_stay(7)])
    table = pq.read_table(folder / "dyn.parquet").drop_columns(["hr"])
    pq.write_table(table.append_column("hr", [["fast"]]), folder / "dyn.parquet")

    with pytest.raises(DataError, match=r"column hr of dyn\.parquet holds string where numbers are due"):
        read(folder)


def test_the_published_set_is_read_whole(data_dir: Path) -> None:
    cohort = read(data_dir / "eicu_demo")

    assert (len(cohort), cohort.report.people, len(cohort.channels)) == (1590, 1229, 48)
    assert cohort.report.malformed == 0
    assert cohort.report.step_targets == 87_265
    assert cohort.recorded_until.sum() == 60 * 87_265
    assert_accounted(cohort)
    assert_rarely_changed(cohort)


def assert_rarely_changed(cohort: Cohort) -> None:
    """Units fit: the median lies inside the plausible range of each channel, clips and drops are rare."""
    for name, parameter in cohort.report.parameters.items():
        lost = sum(parameter.dropped.values()) + parameter.clipped
        assert lost <= max(0.01 * parameter.read, 3), name
    for index, name in enumerate(cohort.channels):
        values = cohort.value[cohort.channel == index]
        low, high = CHANNELS[name].plausible
        assert low <= np.quantile(values, 0.5) < high, name
