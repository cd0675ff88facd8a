"""Reader of BIDMC PPG and Respiration: eight minutes of waveforms a recording, with the monitor's numerics and breaths
that two annotators marked.

A recording is `NAME_Signals.csv` (125 Hz) with, where there are such, `NAME_Numerics.csv` (1 Hz), `NAME_Breaths.csv`
and `NAME_Fix.txt`. Columns come in any order; each may be absent. Rows are placed by their time: lost ones leave a gap.
https://physionet.org/content/bidmc/

Left out: arterial and venous pressures, which not every monitor has.

Shapes: n samples, s seconds, b breaths.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts.facts import AGE
from lemof_stream.cohorts.fates import Fates
from lemof_stream.cohorts.files import DataFile, data_files
from lemof_stream.cohorts.limits import Floats
from lemof_stream.cohorts.psv import Rows, header, parse
from lemof_stream.cohorts.report import ReadReport
from lemof_stream.contracts.channels import CHANNELS
from lemof_stream.contracts.ehr import Demographics
from lemof_stream.errors import DataError
from lemof_stream.signals import Waveforms

NAME: Final = "bidmc"
RATE: Final = 125
"""Samples a second."""
LEADS: Final = (
    "I", "II", "III", "AVR", "AVL", "AVF", "V", "V1", "V2", "V3", "V4", "V5", "V6", "MCL", "MCL1",
)  # fmt: skip
"""Names of ECG leads in the MIMIC II waveforms that the set was cut from."""
NUMERICS: Final = {"HR": "heart_rate", "PULSE": "heart_rate", "RESP": "resp_rate", "SpO2": "spo2"}
"""Published numerics and the channel that has their possible range."""
_TIME: Final = "Time [s]"
_LAST_S: Final = 24 * 3600
"""Recordings last minutes; a time beyond a day is a slip, which would be filled up to."""
_ROUNDED_S: Final = 0.025
"""Times are published with five digits, 0.01 s apart after 100 s, which is more than a sample; three samples more than
that are a gap."""
_APART: Final = 100
"""Rows over which the rate is measured, for the same reason."""
_FILE: Final = re.compile(r"(.+)_(Signals\.csv|Numerics\.csv|Breaths\.csv|Fix\.txt)")
_SEXES: Final = {"F": 0, "M": 1}


@dataclass(frozen=True, eq=False)
class Recording:
    """One recording."""

    record: str
    """As its files are named: `bidmc_01`."""
    person: str
    """Whom it is of: several recordings are of one patient; the record where unknown."""
    demographics: Demographics
    location: str | None
    """The unit: `micu`, `ccu`."""
    waveforms: Waveforms
    numerics: Mapping[str, Floats]
    """[s] what the monitor showed each second from 0, by published name (`HR`); NaN where nothing."""
    breaths: tuple[Floats, Floats]
    """[b] seconds at which each annotator saw a breath; empty where there are no annotations."""


@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings by the order of their names, and what became of every value of their files."""

    recordings: tuple[Recording, ...]
    report: ReadReport


@dataclass
class _Files:
    """What is known of one recording so far."""

    signals: Waveforms | None = None
    numerics: dict[str, Floats] = field(default_factory=dict)
    breaths: tuple[Floats, Floats] = (np.zeros(0), np.zeros(0))
    facts: dict[str, str] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)


def recognises(path: Path) -> bool:
    """Whether the path holds waveforms of this set."""
    return any(_is_signals(file) for file in data_files(path, ".csv"))


def read(*paths: Path) -> Recordings:
    """Read folders that hold archives or extracted files, or archives.

    Raises:
        DataError: no waveforms of this set are in them, or a file is damaged, lacks its times, or is sampled at another
            rate.
    """
    found: dict[str, _Files] = {}
    fates = Fates()
    repeated = others = 0
    for path in paths:
        for file in data_files(path, ".csv", ".txt"):
            match = _FILE.fullmatch(file.name)
            own = found.setdefault(match[1], _Files()) if match else None
            if match is None or own is None:
                others += 1
            elif match[2] in own.kinds:
                repeated += match[2] == "Signals.csv"
            else:
                own.kinds.add(match[2])
                _READ[match[2]](file, own, fates)
    whole = {record: own for record, own in sorted(found.items()) if own.signals is not None}
    if not whole:
        raise DataError(
            f"{', '.join(map(str, paths))} holds no recording of {NAME} (a *_Signals.csv with the column {_TIME}); "
            f"point at the folder that holds its archives or its extracted files."
        )
    others += sum(len(own.kinds) for own in found.values() if own.signals is None)
    recordings = tuple(_recording(record, own, fates) for record, own in whole.items())
    return Recordings(recordings, _report(recordings, fates, repeated, others))


def _is_signals(file: DataFile) -> bool:
    return file.name.endswith("_Signals.csv") and _TIME in header(file.content, ",")


def _read_signals(file: DataFile, own: _Files, fates: Fates) -> None:
    columns, length = _placed(file, RATE, ("RESP", "PLETH", *LEADS), fates)
    if not columns:
        columns = {"RESP": np.full(length, np.nan)}  # it lasts, though nothing of it is known
    own.signals = Waveforms(
        rate=RATE,
        ecg={lead: columns[lead] for lead in LEADS if lead in columns},
        pleth=columns.get("PLETH"),
        resp=columns.get("RESP"),
    )


def _read_numerics(file: DataFile, own: _Files, fates: Fates) -> None:
    own.numerics, _ = _placed(file, 1, tuple(NUMERICS), fates)


def _placed(
    file: DataFile, rate: int, wanted: tuple[str, ...], fates: Fates
) -> tuple[dict[str, Floats], int]:
    """The columns wanted, each value at the place of its time, NaN between; and how many places there are."""
    rows = parse([file], [_TIME], ",")
    fates.malformed += rows.misshapen
    time = rows.values[_TIME]
    _check_rate(file, time[np.isfinite(time)], rate)
    timed = np.isfinite(time) & (time <= _LAST_S)
    place = np.zeros(len(time), np.int64)
    place[timed] = _places(time[timed], rate)
    length = int(place[timed].max(initial=-1)) + 1
    columns = {}
    for name, value in rows.values.items():
        if name == _TIME:
            continue
        told = fates.start(f"{name}, {rate} Hz", value, timed)
        told.drop("unknown parameter", np.full(len(value), name not in wanted))
        told.drop("before the recording", place < 0)
        _, first = np.unique(place, return_index=True)
        told.drop("stated before", ~np.isin(np.arange(len(place)), first))
        if rate == 1 and name in NUMERICS:
            low, high = CHANNELS[NUMERICS[name]].possible
            told.drop("impossible", (value < low) | (value > high))
        kept = told.keep()
        if name in wanted:
            columns[name] = np.full(length, np.nan)
            columns[name][place[kept]] = value[kept]
    return columns, length


def _places(time: Floats, rate: int) -> NDArray[np.int64]:
    """[R] the sample that each row is: rows follow each other, unless a time says that some are lost between."""
    slack_most = max(0.5, _ROUNDED_S * rate)
    offset, offsets = 0.0, []
    for slack in (time * rate - np.arange(len(time))).tolist():
        if abs(slack - offset) > slack_most:
            offset = round(slack)
        offsets.append(offset)
    return np.arange(len(time)) + np.array(offsets, np.int64)


def _check_rate(file: DataFile, time: Floats, rate: int) -> None:
    apart = min(_APART, len(time) - 1)
    step = float(np.median(time[apart:] - time[:-apart])) / apart if apart > 0 else 1 / rate
    if not 0.9 < step * rate < 1.1:  # the next usual rates are twice or half
        raise DataError(
            f"{file.name} has a row every {step:g} s, not every {1 / rate:g} s as {NAME} is published; resample it."
        )


def _read_breaths(file: DataFile, own: _Files, fates: Fates) -> None:
    rows: Rows = parse([file], (), ",")
    fates.malformed += rows.misshapen
    found = []
    for annotator in ("ann1", "ann2"):
        value = next((own for name, own in rows.values.items() if annotator in name), np.zeros(0))
        told = fates.start(f"breaths, {annotator}", value, np.ones(len(value), np.bool_))
        told.drop("before the recording", value < 0)
        found.append(np.sort(value[told.keep()]) / RATE)
    own.breaths = (found[0], found[1])


def _read_facts(file: DataFile, own: _Files, _: Fates) -> None:
    lines = (line.partition(":") for line in file.content.decode("utf-8", "replace").splitlines())
    own.facts = {name.strip(): text.strip() for name, _, text in lines if text.strip()}


_READ: Final = {
    "Signals.csv": _read_signals,
    "Numerics.csv": _read_numerics,
    "Breaths.csv": _read_breaths,
    "Fix.txt": _read_facts,
}


def _recording(record: str, own: _Files, fates: Fates) -> Recording:
    assert own.signals is not None
    age = _age(own.facts.get("Age"), fates)
    return Recording(
        record=record,
        person=own.facts.get("MIMIC II matched wdb ID", record),
        demographics=Demographics(age=age, sex=_SEXES.get(own.facts.get("Gender", ""))),
        location=own.facts.get("Location"),
        waveforms=own.signals,
        numerics=own.numerics,
        breaths=own.breaths,
    )


def _age(text: str | None, fates: Fates) -> float | None:
    """NaN where the set does not know it."""
    try:
        age = np.array([float("nan" if text is None else text)])
    except ValueError:
        age = np.array([np.inf])
    told = fates.start("Age", age, np.ones(1, np.bool_))
    told.drop("impossible", (age < AGE.possible.low) | (age > AGE.possible.high))
    return float(age[0]) if len(told.keep()) else None


def _report(recordings: tuple[Recording, ...], fates: Fates, repeated: int, others: int) -> ReadReport:
    parameters = fates.parameters()
    return ReadReport(
        cohort=NAME,
        stays=len(recordings),
        people=len({own.person for own in recordings}),
        repeated_stays=repeated,
        other_files=others,
        outcomes_length_of_stay=0,
        outcomes_death=0,
        step_targets=0,
        values=fates.malformed + sum(counts.read for counts in parameters.values()),
        malformed=fates.malformed,
        parameters=parameters,
    )
