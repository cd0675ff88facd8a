"""Reader of the PhysioNet/CinC Challenge 2012: adult ICU stays, first 48 hours, charted by hand.

A stay is a text file of `Time,Parameter,Value` lines; outcomes are in `Outcomes*.txt`. -1 means missing in both.
https://physionet.org/content/challenge-2012/

Shapes: S stays, N lines, P parameters.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from lemof_stream.cohorts.assemble import Stays, assemble, channels_of, last_minutes, measurements, unknown
from lemof_stream.cohorts.cohort import Cohort
from lemof_stream.cohorts.facts import AGE, HEIGHT, SEX, Fact, demographics, known_at_admission
from lemof_stream.cohorts.files import DataFile, data_files
from lemof_stream.cohorts.limits import Floats
from lemof_stream.cohorts.lines import Lines, parse
from lemof_stream.cohorts.outcomes import Outcomes, read_outcomes
from lemof_stream.cohorts.tally import Fate, Tally
from lemof_stream.contracts.channels import Range
from lemof_stream.contracts.ehr import UnitType
from lemof_stream.errors import DataError

NAME: Final = "physionet2012"
_HEADER: Final = b"Time,Parameter,Value"
_MISSING: Final = -1
_RECORD_ID: Final = re.compile(rb"^\d+:\d+,RecordID,(\d+)\s*$", re.MULTILINE)

CHANNEL_OF: Final = {
    "HR": "heart_rate", "SysABP": "art_sbp", "DiasABP": "art_dbp", "MAP": "art_map", "NISysABP": "cuff_sbp",
    "NIDiasABP": "cuff_dbp", "NIMAP": "cuff_map", "RespRate": "resp_rate", "Temp": "temperature", "GCS": "gcs",
    "Urine": "urine", "Weight": "weight", "FiO2": "fio2", "MechVent": "mech_vent", "pH": "ph", "PaCO2": "paco2",
    "PaO2": "pao2", "SaO2": "sao2", "HCT": "hct", "K": "potassium", "Platelets": "platelets",
    "Creatinine": "creatinine", "BUN": "bun", "HCO3": "hco3", "Mg": "magnesium", "Na": "sodium",
    "Glucose": "glucose", "WBC": "wbc", "Lactate": "lactate", "Bilirubin": "bilirubin", "AST": "ast",
    "ALT": "alt", "ALP": "alp", "Albumin": "albumin", "TroponinT": "troponin_t", "TroponinI": "troponin_i",
    "Cholesterol": "cholesterol",
}  # fmt: skip
"""The channel of each published parameter."""
_FACTS: Final = {
    "Age": AGE,
    "Gender": SEX,
    "Height": HEIGHT,
    "ICUType": Fact(Range(1, 4), Range(1, 4), coded=True),
}
_UNIT_TYPES: Final[dict[float, UnitType]] = {1: "coronary", 2: "cardiac_surgery", 3: "medical", 4: "surgical"}
_CHANNELS: Final = channels_of(CHANNEL_OF)


def recognises(path: Path) -> bool:
    """Whether the path holds a stay of this set."""
    return any(file.content.startswith(_HEADER) for file in data_files(path, ".txt"))


def read(*paths: Path) -> Cohort:
    """Read folders that hold archives or extracted files, or archives; the stays in the order of their ids.

    Raises:
        DataError: nothing of this set is in them, or a file is damaged.
    """
    stays: dict[str, bytes] = {}
    outcomes: Outcomes = {}
    repeated = others = 0
    for file in _files(paths):
        stay_id = _stay_id(file)
        if stay_id is None:
            found = read_outcomes(file)
            outcomes |= found
            others += not found
        elif stay_id in stays:
            repeated += 1
        else:
            stays[stay_id] = file.content
    if not stays:
        raise DataError(
            f"{', '.join(map(str, paths))} holds no stay of {NAME} (a text file that begins with "
            f"{_HEADER.decode()!r}); point at the folder that holds its archives or its extracted files."
        )
    ids = tuple(sorted(stays, key=int))
    lines = parse([stays[stay_id] for stay_id in ids])
    known = np.array([outcomes.get(stay_id, (np.nan, np.nan)) for stay_id in ids], np.float64)
    return _cohort(ids, lines, known, repeated, others)


def _files(paths: tuple[Path, ...]) -> Iterator[DataFile]:
    """Every text file, and for an archive the outcomes that lie beside it, where the set is published so."""
    for path in paths:
        yield from data_files(path, ".txt")
        if path.is_file():
            for beside in sorted(path.parent.glob("Outcomes*.txt")):
                yield DataFile(beside.name, beside.read_bytes())


def _stay_id(file: DataFile) -> str | None:
    """The RecordID that the file states, else its name where that is a number; None for what is no stay."""
    if not file.content.startswith(_HEADER):
        return None
    stated = _RECORD_ID.search(file.content)
    stem = file.name.removesuffix(".txt")
    if stated is not None:
        return stated[1].decode()
    return stem if stem.isascii() and stem.isdigit() else None


def _cohort(ids: tuple[str, ...], lines: Lines, known: Floats, repeated: int, others: int) -> Cohort:
    tally = Tally(lines)
    for name in (*_FACTS, *CHANNEL_OF):
        rows = tally.pending(name)
        tally.drop(rows, tally.value[rows] == _MISSING, Fate.MISSING)
    facts = {name: known_at_admission(tally, name, fact, len(ids)) for name, fact in _FACTS.items()}
    tally.keep_named("RecordID")
    measured = measurements(tally, CHANNEL_OF, _CHANNELS)
    weight = np.full(len(ids), np.nan)
    at_admission = (measured.minute == 0) & (measured.channel == _CHANNELS.index("weight"))
    weight[measured.stay[at_admission]] = measured.value[at_admission]
    return assemble(
        Stays(
            cohort=NAME,
            ids=ids,
            person=ids,
            demographics=demographics(
                facts["Age"],
                facts["Gender"],
                facts["Height"],
                weight,
                map(_UNIT_TYPES.get, facts["ICUType"].tolist()),
                unknown(len(ids)),
            ),
            length_of_stay=known[:, 0],
            death=known[:, 1],
            recorded_until=last_minutes(measured.stay, measured.minute, len(ids)),
            repeated=repeated,
            other_files=others,
        ),
        tally,
        measured,
        _CHANNELS,
        step_targets=None,
    )
