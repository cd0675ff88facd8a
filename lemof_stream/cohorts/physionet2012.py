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
from numpy.typing import NDArray

from lemof_stream.cohorts.cohort import Cohort, last_minutes
from lemof_stream.cohorts.files import TextFile, text_files
from lemof_stream.cohorts.limits import Floats, limit
from lemof_stream.cohorts.lines import Lines, parse
from lemof_stream.cohorts.outcomes import Outcomes, read_outcomes
from lemof_stream.cohorts.report import ReadReport
from lemof_stream.cohorts.tally import Fate, Tally
from lemof_stream.contracts.channels import CHANNELS, EHR, VITALS, Range
from lemof_stream.contracts.ehr import Demographics, UnitType
from lemof_stream.errors import DataError

NAME: Final = "physionet2012"
_HEADER: Final = b"Time,Parameter,Value"
_MISSING: Final = -1
_RECORD_ID: Final = re.compile(rb"^\d+:\d+,RecordID,(\d+)\s*$", re.MULTILINE)

_CHANNEL_OF: Final = {
    "HR": "heart_rate", "SysABP": "art_sbp", "DiasABP": "art_dbp", "MAP": "art_map", "NISysABP": "cuff_sbp",
    "NIDiasABP": "cuff_dbp", "NIMAP": "cuff_map", "RespRate": "resp_rate", "Temp": "temperature", "GCS": "gcs",
    "Urine": "urine", "Weight": "weight", "FiO2": "fio2", "MechVent": "mech_vent", "pH": "ph", "PaCO2": "paco2",
    "PaO2": "pao2", "SaO2": "sao2", "HCT": "hct", "K": "potassium", "Platelets": "platelets",
    "Creatinine": "creatinine", "BUN": "bun", "HCO3": "hco3", "Mg": "magnesium", "Na": "sodium",
    "Glucose": "glucose", "WBC": "wbc", "Lactate": "lactate", "Bilirubin": "bilirubin", "AST": "ast",
    "ALT": "alt", "ALP": "alp", "Albumin": "albumin", "TroponinT": "troponin_t", "TroponinI": "troponin_i",
    "Cholesterol": "cholesterol",
}  # fmt: skip
# Plausible, possible. The set holds adults; heights below 100 cm are inches or slips, above 250 cm nobody's.
_DESCRIPTORS: Final = {
    "Age": (Range(0, 120), Range(0, 120)),
    "Gender": (Range(0, 1), Range(0, 1)),
    "Height": (Range(120, 220), Range(100, 250)),
    "ICUType": (Range(1, 4), Range(1, 4)),
}
_UNIT_TYPES: Final[dict[float, UnitType]] = {1: "coronary", 2: "cardiac_surgery", 3: "medical", 4: "surgical"}
_SEXES: Final[dict[float, int]] = {0: 0, 1: 1}
_CHANNELS: Final = tuple(name for name in VITALS + EHR if name in _CHANNEL_OF.values())


def recognises(path: Path) -> bool:
    """Whether the path holds a stay of this set."""
    return any(file.content.startswith(_HEADER) for file in text_files(path))


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


def _files(paths: tuple[Path, ...]) -> Iterator[TextFile]:
    """Every text file, and for an archive the outcomes that lie beside it, where the set is published so."""
    for path in paths:
        yield from text_files(path)
        if path.is_file():
            for beside in sorted(path.parent.glob("Outcomes*.txt")):
                yield TextFile(beside.name, beside.read_bytes())


def _stay_id(file: TextFile) -> str | None:
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
    descriptors = {name: _descriptor(tally, name, len(ids)) for name in _DESCRIPTORS}
    for name, channel in _CHANNEL_OF.items():
        _limit(tally, name, CHANNELS[channel].plausible, CHANNELS[channel].possible)
    tally.keep_named("RecordID")
    channel_of = [_CHANNELS.index(_CHANNEL_OF[n]) if n in _CHANNEL_OF else -1 for n in lines.names]
    measured = tally.collapse(np.array(channel_of, np.int16), len(_CHANNELS))
    weight = np.full(len(ids), np.nan)
    at_admission = (measured.minute == 0) & (measured.channel == _CHANNELS.index("weight"))
    weight[measured.stay[at_admission]] = measured.value[at_admission]
    return Cohort(
        name=NAME,
        stay_ids=ids,
        person=ids,
        demographics=_demographics(descriptors | {"Weight": weight}),
        length_of_stay=known[:, 0],
        death=known[:, 1],
        recorded_until=last_minutes(measured.stay, measured.minute, len(ids)),
        step_targets=None,
        channels=_CHANNELS,
        stay=measured.stay,
        minute=measured.minute,
        channel=measured.channel,
        value=measured.value,
        report=ReadReport(
            cohort=NAME,
            stays=len(ids),
            repeated_stays=repeated,
            other_files=others,
            outcomes_length_of_stay=int(np.isfinite(known[:, 0]).sum()),
            outcomes_death=int(np.isfinite(known[:, 1]).sum()),
            lines=len(lines.value) + lines.misshapen,
            malformed=tally.malformed + lines.misshapen,
            parameters=tally.parameters(),
        ),
    )


def _limit(tally: Tally, name: str, plausible: Range, possible: Range) -> NDArray[np.intp]:
    """Drop what is missing or impossible of a parameter, convert and clip the rest; the lines that stay, [n]."""
    tally.drop(rows := tally.pending(name), tally.value[rows] == _MISSING, Fate.MISSING)
    rows = tally.pending(name)
    limited = limit(_CHANNEL_OF.get(name, name), tally.value[rows], plausible, possible)
    tally.value[rows] = limited.value
    tally.converted[rows] = limited.converted
    tally.clipped[rows] = limited.clipped
    tally.drop(rows, limited.impossible, Fate.IMPOSSIBLE)
    return rows[~limited.impossible]


def _descriptor(tally: Tally, name: str, stays: int) -> Floats:
    """[S] a fact known at admission, NaN where unknown; later and repeated statements are dropped."""
    rows = tally.pending(name)
    tally.drop(rows, tally.lines.minute[rows] > 0, Fate.AFTER_ADMISSION)
    rows = _limit(tally, name, *_DESCRIPTORS[name])
    if name in ("Gender", "ICUType"):
        coded = tally.value[rows] % 1 == 0
        tally.drop(rows, ~coded, Fate.IMPOSSIBLE)
        rows = rows[coded]
    source, first = np.unique(tally.lines.source[rows], return_index=True)
    repeated = np.ones(len(rows), np.bool_)
    repeated[first] = False
    tally.drop(rows, repeated, Fate.REPEATED)
    tally.keep(rows[first])
    fact = np.full(stays, np.nan)
    fact[source] = tally.value[rows[first]]
    return fact


def _demographics(facts: dict[str, Floats]) -> tuple[Demographics, ...]:
    columns = (facts[name].tolist() for name in ("Age", "Gender", "Height", "Weight", "ICUType"))
    return tuple(
        Demographics(
            age=_known(age),
            sex=_SEXES.get(sex),
            height_cm=_known(height),
            weight_kg=_known(weight),
            unit_type=_UNIT_TYPES.get(unit),
        )
        for age, sex, height, weight, unit in zip(*columns, strict=True)
    )


def _known(fact: float) -> float | None:
    return None if np.isnan(fact) else fact
