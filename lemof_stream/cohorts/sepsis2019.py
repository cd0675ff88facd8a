"""Reader of the PhysioNet/CinC Challenge 2019: hourly rows of ICU stays, with the onset of sepsis.

A stay is a `*.psv` file; its row with `ICULOS = k` is the step that ends at minute 60 k. `SepsisLabel` may be absent.
https://physionet.org/content/challenge-2019/

`HospAdmTime` counts the hours from ICU to hospital admission, so it is negative. A file does not say whom it is of, so
every stay counts as a person.

Shapes: S stays, R rows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts.assemble import Stays, assemble, channels_of, last_minutes, measurements, unknown
from lemof_stream.cohorts.cohort import Cohort
from lemof_stream.cohorts.columns import Column, Ints, lines_of, step_ends
from lemof_stream.cohorts.facts import AGE, SEX, Fact, demographics, known_at_admission, step_targets
from lemof_stream.cohorts.files import DataFile, data_files
from lemof_stream.cohorts.limits import Floats
from lemof_stream.cohorts.psv import header, parse
from lemof_stream.cohorts.tally import Tally
from lemof_stream.contracts.channels import Range
from lemof_stream.contracts.ehr import UnitType
from lemof_stream.errors import DataError

NAME: Final = "sepsis2019"
_STEP, _LABEL, _CALCIUM = "ICULOS", "SepsisLabel", "Calcium"
_IONIZED: Final = "Calcium (ionized)"
# The column holds two quantities: values around 1.15 (ionised, mmol/L) and 4.8 (ionised, mg/dL), and around 8.2 (total,
# mg/dL). Between 5.5 and 6 there is next to nothing.
_TOTAL_CALCIUM: Final = 5.6

_CHANNEL_OF: Final = {
    "HR": "heart_rate", "O2Sat": "spo2", "Temp": "temperature", "SBP": "sbp", "MAP": "map", "DBP": "dbp",
    "Resp": "resp_rate", "EtCO2": "etco2", "BaseExcess": "base_excess", "HCO3": "hco3", "FiO2": "fio2", "pH": "ph",
    "PaCO2": "paco2", "SaO2": "sao2", "AST": "ast", "BUN": "bun", "Alkalinephos": "alp", _CALCIUM: "calcium",
    "Chloride": "chloride", "Creatinine": "creatinine", "Bilirubin_direct": "bilirubin_direct", "Glucose": "glucose",
    "Lactate": "lactate", "Magnesium": "magnesium", "Phosphate": "phosphate", "Potassium": "potassium",
    "Bilirubin_total": "bilirubin", "TroponinI": "troponin_i", "Hct": "hct", "Hgb": "hgb", "PTT": "ptt", "WBC": "wbc",
    "Fibrinogen": "fibrinogen", "Platelets": "platelets", _IONIZED: "calcium_ionized",
}  # fmt: skip
_CHANNELS: Final = channels_of(_CHANNEL_OF)
_FLAG: Final = Fact(Range(0, 1), Range(0, 1), coded=True)
_UNITS: Final[dict[str, UnitType]] = {"Unit1": "medical", "Unit2": "surgical"}
_BEFORE: Final = "HospAdmTime"
# Of hours before intensive care: more than a year (8,784 h) says no more, ten years are a slip.
_FACTS: Final = {"Age": AGE, "Gender": SEX, _BEFORE: Fact(Range(0, 8_784), Range(0, 87_840))} | dict.fromkeys(
    _UNITS, _FLAG
)
_NEEDED: Final = (_STEP, *_FACTS, *(name for name in _CHANNEL_OF if name != _IONIZED))


def recognises(path: Path) -> bool:
    """Whether the path holds a stay of this set."""
    return any(_is_stay(file) for file in data_files(path, ".psv"))


def read(*paths: Path) -> Cohort:
    """Read folders that hold archives or extracted files, or archives; the stays in the order of their names.

    Raises:
        DataError: nothing of this set is in them, or a file is damaged or lacks a column.
    """
    stays: dict[str, DataFile] = {}
    repeated = others = 0
    for path in paths:
        for file in data_files(path, ".psv"):
            stay_id = file.name.removesuffix(".psv")
            if not _is_stay(file):
                others += 1
            elif stay_id in stays:
                repeated += 1
            else:
                stays[stay_id] = file
    if not stays:
        raise DataError(
            f"{', '.join(map(str, paths))} holds no stay of {NAME} (a *.psv file with the column {_STEP}); point at "
            f"the folder that holds its archives or its extracted files."
        )
    ids = tuple(sorted(stays))
    return _cohort(ids, [stays[stay_id] for stay_id in ids], repeated, others)


def _is_stay(file: DataFile) -> bool:
    return _STEP in header(file.content)


def _cohort(ids: tuple[str, ...], files: list[DataFile], repeated: int, others: int) -> Cohort:
    rows = parse(files, _NEEDED)
    minute = step_ends(rows.values[_STEP])
    tally = Tally(lines_of(_columns(rows.values, rows.source, minute), rows.misshapen))
    facts = {name: known_at_admission(tally, name, fact, len(ids)) for name, fact in _FACTS.items()}
    targets = step_targets(tally, _LABEL, _FLAG)
    measured = measurements(tally, _CHANNEL_OF, _CHANNELS)
    nothing = unknown(len(ids))
    return assemble(
        Stays(
            cohort=NAME,
            ids=ids,
            person=ids,
            demographics=demographics(
                facts["Age"], facts["Gender"], nothing, nothing, _unit_types(facts), facts[_BEFORE]
            ),
            length_of_stay=nothing,
            death=nothing,
            recorded_until=last_minutes(rows.source, minute, len(ids)),
            repeated=repeated,
            other_files=others,
        ),
        tally,
        measured,
        _CHANNELS,
        targets,
    )


def _columns(values: Mapping[str, Floats], source: Ints, minute: Ints) -> list[Column]:
    columns = []
    for name, value in values.items():
        if name == _STEP:
            continue
        if name in _FACTS:
            stated = np.where(_changes(value, source), 0 - value if name == _BEFORE else value, np.nan)
            columns.append(Column(name, source, np.zeros_like(minute), stated))
        elif name == _CALCIUM:
            ionized = value < _TOTAL_CALCIUM
            columns.append(Column(name, source, minute, np.where(ionized, np.nan, value)))
            columns.append(Column(_IONIZED, source, minute, np.where(ionized, value, np.nan)))
        elif name in _CHANNEL_OF or name == _LABEL:
            columns.append(Column(name, source, minute, value))
        else:  # of no parameter of the set, so that it need not be a number
            columns.append(Column(name, source, minute, np.where(np.isinf(value), 0, value)))
    return columns


def _changes(value: Floats, source: Ints) -> NDArray[np.bool_]:
    """[R] where a fact, which every row of a stay repeats, is another than in the row before."""
    changes = np.ones(len(value), np.bool_)
    changes[1:] = (value[1:] != value[:-1]) | (source[1:] != source[:-1])
    return changes


def _unit_types(facts: Mapping[str, Floats]) -> list[UnitType | None]:
    """[S] from one flag a type; None where no flag, or more than one, is set."""
    flags = zip(*(facts[name].tolist() for name in _UNITS), strict=True)
    set_flags = [
        [unit for unit, flag in zip(_UNITS.values(), row, strict=True) if flag == 1] for row in flags
    ]
    return [units[0] if len(units) == 1 else None for units in set_flags]
