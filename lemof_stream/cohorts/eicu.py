"""Reader of the eICU-CRD demo on an hourly grid, under the harmonised names of YAIB.

`dyn.parquet` holds a row a stay and hour, `sta.parquet` what is known at admission, `outc.parquet`, which may be
absent, the remaining hours in the ICU. The row at hour h after admission is the step that ends at minute 60 (h + 1).
https://physionet.org/content/eicu-crd-demo/ and https://github.com/rvandewater/YAIB

A stay is what has rows in `dyn.parquet`; what the other tables say of others is dropped. Hours that are no whole ones
belong to the step they lie in.

Shapes: S stays, R rows.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lemof_stream.cohorts.assemble import Stays, assemble, channels_of, last_minutes, measurements, unknown
from lemof_stream.cohorts.cohort import Cohort
from lemof_stream.cohorts.columns import Column, lines_of
from lemof_stream.cohorts.facts import (
    AGE,
    HEIGHT,
    SEX,
    WEIGHT,
    Fact,
    demographics,
    known_at_admission,
    step_targets,
)
from lemof_stream.cohorts.files import data_files
from lemof_stream.cohorts.lines import LAST_MINUTE
from lemof_stream.cohorts.parquet import Table, joined, read_table
from lemof_stream.cohorts.tally import Tally
from lemof_stream.contracts.channels import Range
from lemof_stream.errors import DataError

NAME: Final = "eicu"
_ROWS, _STAYS, _TARGETS = "dyn.parquet", "sta.parquet", "outc.parquet"

# FiO2 is charted in percent here, which the limits convert.
_CHANNEL_OF: Final = {
    "hr": "heart_rate", "sbp": "sbp", "dbp": "dbp", "map": "map", "resp": "resp_rate", "temp": "temperature",
    "o2sat": "spo2", "urine": "urine", "fio2": "fio2", "ph": "ph", "pco2": "paco2", "po2": "pao2", "k": "potassium",
    "plt": "platelets", "crea": "creatinine", "bun": "bun", "bicar": "hco3", "mg": "magnesium", "na": "sodium",
    "glu": "glucose", "wbc": "wbc", "lact": "lactate", "bili": "bilirubin", "ast": "ast", "alt": "alt", "alp": "alp",
    "alb": "albumin", "tnt": "troponin_t", "be": "base_excess", "cl": "chloride", "ca": "calcium",
    "cai": "calcium_ionized", "phos": "phosphate", "bili_dir": "bilirubin_direct", "ck": "ck", "ckmb": "ck_mb",
    "crp": "crp", "hgb": "hgb", "mch": "mch", "mchc": "mchc", "mcv": "mcv", "neut": "neutrophils", "bnd": "bands",
    "lymph": "lymphocytes", "inr_pt": "inr", "ptt": "ptt", "fgn": "fibrinogen", "methb": "methemoglobin",
}  # fmt: skip
_CHANNELS: Final = channels_of(_CHANNEL_OF)
_FACTS: Final = {"age": AGE, "sex": SEX, "height": HEIGHT, "weight": WEIGHT}
_SEXES: Final = {"female": 0.0, "male": 1.0}
_LABEL: Final = "label"
_UNCODED: Final = 2.0  # "Other" and "Unknown", which eICU holds too: impossible, so dropped and counted
_REMAINING: Final = Fact(Range(0, LAST_MINUTE / 60), Range(0, LAST_MINUTE / 60))


class _Tables(NamedTuple):
    rows: Table
    stays: Table
    targets: Table | None
    repeated: int
    others: int


def recognises(path: Path) -> bool:
    """Whether the path holds the rows of this set."""
    return any(file.name == _ROWS for file in data_files(path, ".parquet"))


def read(*paths: Path) -> Cohort:
    """Read folders (or archives) that hold the tables, in subfolders or not; the stays in the order of their ids.

    Raises:
        DataError: `dyn.parquet` or `sta.parquet` is not in them, or a table is damaged or lacks a column.
    """
    tables = _tables(paths)
    ids, row = np.unique(tables.rows.stay, return_inverse=True)
    minute = tables.rows.step_ends()
    if not len(ids):
        raise DataError(f"The {_ROWS} in {', '.join(map(str, paths))} holds no row; point at another folder.")
    columns = [
        column._replace(name=f"{_ROWS}: {column.name}") if column.name in (*_FACTS, _LABEL) else column
        for column in tables.rows.columns(row, minute, _CHANNEL_OF)
    ]
    place = _place(ids, tables.stays.stay)
    columns += _facts(tables.stays, place)
    if tables.targets is not None:
        columns.append(_labels(tables.targets, ids, row, minute))
    tally = Tally(lines_of(columns))
    facts = {name: known_at_admission(tally, name, fact, len(ids)) for name, fact in _FACTS.items()}
    targets = step_targets(tally, _LABEL, _REMAINING)
    measured = measurements(tally, _CHANNEL_OF, _CHANNELS)
    stay_ids = tuple(str(stay_id) for stay_id in ids.tolist())
    nothing = unknown(len(ids))
    return assemble(
        Stays(
            cohort=NAME,
            ids=stay_ids,
            person=_people(stay_ids, tables.stays, place),
            demographics=demographics(
                facts["age"], facts["sex"], facts["height"], facts["weight"], [None] * len(ids), nothing
            ),
            length_of_stay=nothing,
            death=nothing,
            recorded_until=last_minutes(row, minute, len(ids)),
            repeated=tables.repeated,
            other_files=tables.others,
        ),
        tally,
        measured,
        _CHANNELS,
        targets,
    )


def _tables(paths: Sequence[Path]) -> _Tables:
    needed: dict[str, tuple[str, ...]] = {
        _ROWS: ("stay_id", "time", *_CHANNEL_OF),
        _STAYS: ("stay_id", "uniquepid", *_FACTS),
        _TARGETS: ("stay_id", "time", _LABEL),
    }
    found: dict[str, list[pa.Table]] = {name: [] for name in needed}
    others = 0
    for path in paths:
        for file in data_files(path, ".parquet"):
            if file.name in found:
                found[file.name].append(read_table(file, needed[file.name]))
            else:
                others += 1
    for name in (_ROWS, _STAYS):
        if not found[name]:
            raise DataError(
                f"{', '.join(map(str, paths))} holds no {name}, which {NAME} needs; point at the folder that holds "
                f"{_ROWS}, {_STAYS} and, where known, {_TARGETS}."
            )
    rows, repeated = joined(_ROWS, found[_ROWS])
    targets = joined(_TARGETS, found[_TARGETS], whole=False)[0] if found[_TARGETS] else None
    return _Tables(rows, joined(_STAYS, found[_STAYS], whole=False)[0], targets, repeated, others)


def _place(ids: NDArray[np.int64], stay: NDArray[np.int64]) -> NDArray[np.int32]:
    """[R] the row of each stay id among `ids` [S]; -1 where it is none of them."""
    place = np.minimum(np.searchsorted(ids, stay), max(len(ids) - 1, 0))
    return np.where(np.isin(stay, ids), place, -1).astype(np.int32)


def _facts(stays: Table, place: NDArray[np.int32]) -> list[Column]:
    at_admission = np.zeros(len(place), np.int32)
    sex = [
        np.nan if text is None else _SEXES.get(str(text).strip().lower(), _UNCODED)
        for text in stays.texts("sex")
    ]
    values = {name: stays.numbers(name) for name in _FACTS if name != "sex"} | {"sex": np.array(sex, float)}
    return [Column(name, place, at_admission, values[name]) for name in _FACTS]


def _people(ids: tuple[str, ...], stays: Table, place: NDArray[np.int32]) -> tuple[str, ...]:
    """[S] the person of each stay; the first statement counts."""
    person = list(ids)
    for row, text in reversed(list(zip(place.tolist(), stays.texts("uniquepid"), strict=True))):
        if row >= 0 and text is not None and str(text).strip():
            person[row] = str(text)
    return tuple(person)


def _labels(
    targets: Table, ids: NDArray[np.int64], row: NDArray[np.intp], minute: NDArray[np.int32]
) -> Column:
    """The targets of rows that there are; a label without its row is of no step that could be predicted."""
    place, at = _place(ids, targets.stay), targets.step_ends()
    key = (place.astype(np.int64) << 32) + at
    place[~np.isin(key, (row.astype(np.int64) << 32) + minute)] = -1
    return Column(_LABEL, place, at, targets.numbers(_LABEL))
