"""A live ward of simulated patients as a timeline: one window a bed and minute, charts and laboratory values."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

import numpy as np

from lemof_stream.contracts.ehr import Admission, Demographics, Observations, UnitType
from lemof_stream.contracts.vitals import VitalWindow
from simulators.physiology import SIGNS, Floats, Patients
from simulators.timeline import Moment, StayMessage, Timeline

_MINUTE: Final = timedelta(minutes=1)
_CHART_EVERY_MIN: Final = 60
_CHART_AT_MIN: Final = 5  # of each hour, so that the first chart follows the admission
_CUFF_EVERY_MIN: Final = 15  # as cuffs are commonly set
_LABS_EVERY_MIN: Final = (4 * 60, 8 * 60)  # a stay draws its own interval in between
_WITH_A_LINE: Final = 0.6  # share of beds with an arterial line; the others have a cuff
_UNITS: Final[tuple[UnitType, ...]] = ("coronary", "cardiac_surgery", "medical", "surgical")
_WARDS: Final[dict[UnitType, str]] = {
    "coronary": "Coronary Care",
    "cardiac_surgery": "Cardiac Surgery",
    "medical": "Medical ICU",
    "surgical": "Surgical ICU",
}
_ADULTS: Final = (63.0, 17.0, 18.0, 95.0)  # years: mean, spread, youngest, oldest
_HEIGHT_CM: Final = (164.0, 177.0)  # women, men
_BMI: Final = (27.5, 5.0, 17.0)  # mean, spread, lowest


class _Bed(NamedTuple):
    stay_id: str
    ward: str
    device: str
    demographics: Demographics
    line: bool
    labs_every: int
    labs_at: int


def ward(beds: int, start: datetime, seed: int) -> Timeline:
    """A ward whose stays are all admitted at `start`; it has no end. Ids hold the start, so runs never mix."""
    random = np.random.default_rng(seed)
    places = [_bed(number, start, random) for number in range(beds)]
    patients = Patients(beds, start.hour * 60.0 + start.minute, random)
    return Timeline(start, None, 0.0, 0, _moments(places, patients, start))


def _bed(number: int, start: datetime, random: np.random.Generator) -> _Bed:
    unit = _UNITS[number % len(_UNITS)]
    sex: Literal[0, 1] = 1 if random.random() < 0.56 else 0  # as in published ICU cohorts
    mean, spread, youngest, oldest = _ADULTS
    height = round(float(random.normal(_HEIGHT_CM[sex], 7.0)), 1)
    bmi = max(float(random.normal(*_BMI[:2])), _BMI[2])
    every = int(random.integers(*_LABS_EVERY_MIN, endpoint=True))
    return _Bed(
        stay_id=f"sim-{int(start.timestamp()):x}-{number + 1:03d}",
        ward=_WARDS[unit],
        device=f"monitor-{number + 1:03d}",
        demographics=Demographics(
            age=round(float(np.clip(random.normal(mean, spread), youngest, oldest))),
            sex=sex,
            height_cm=height,
            weight_kg=round(bmi * (height / 100) ** 2, 1),
            unit_type=unit,
        ),
        line=bool(random.random() < _WITH_A_LINE),
        labs_every=every,
        labs_at=int(random.integers(5, 45)),  # the first blood is drawn soon after admission
    )


def _moments(beds: list[_Bed], patients: Patients, start: datetime) -> Iterator[Moment]:
    yield Moment(0.0, [_admission(bed, start) for bed in beds])
    minute = 0
    while True:
        minute += 1
        signs = patients.advance()
        messages: list[StayMessage] = []
        for row, bed in enumerate(beds):
            charted: dict[str, float] = {}
            if minute % _CHART_EVERY_MIN == _CHART_AT_MIN:
                charted |= patients.chart(row)
            if minute % bed.labs_every == bed.labs_at:
                charted |= patients.draw(row)
            if charted:
                messages.append(_observations(bed, start, minute, charted))
            messages.append(_window(bed, start, minute, _channels(bed, minute, signs[row])))
        yield Moment(minute * 60.0, messages)


def _channels(bed: _Bed, minute: int, signs: Floats) -> dict[str, float]:
    """A bed's channels of one minute from its vital signs [V]."""
    sign = dict(zip(SIGNS, signs.tolist(), strict=True))
    values = {name: round(sign[name], 1) for name in ("heart_rate", "resp_rate", "temperature", "spo2")}
    if bed.line or minute % _CUFF_EVERY_MIN == 0:
        kind = "art" if bed.line else "cuff"
        systolic = max(sign["sbp"], sign["dbp"] + 15)  # a pulse pressure below that is no circulation
        values |= {
            f"{kind}_sbp": round(systolic, 1),
            f"{kind}_dbp": round(sign["dbp"], 1),
            f"{kind}_map": round(sign["dbp"] + (systolic - sign["dbp"]) / 3, 1),
        }
    return values


def _window(bed: _Bed, start: datetime, minute: int, channels: dict[str, float]) -> VitalWindow:
    end = start + minute * _MINUTE
    return VitalWindow(
        window_id=f"{bed.stay_id}-v{minute}",
        stay_id=bed.stay_id,
        ward=bed.ward,
        device=bed.device,
        admitted_at=start,
        start=end - _MINUTE,
        end=end,
        channels=channels,
    )


def _observations(bed: _Bed, start: datetime, minute: int, values: dict[str, float]) -> Observations:
    return Observations(
        event_id=f"{bed.stay_id}-o{minute}",
        stay_id=bed.stay_id,
        ward=bed.ward,
        admitted_at=start,
        event_time=start + minute * _MINUTE,
        values=values,
    )


def _admission(bed: _Bed, start: datetime) -> Admission:
    return Admission(
        event_id=f"{bed.stay_id}-admission",
        stay_id=bed.stay_id,
        ward=bed.ward,
        admitted_at=start,
        event_time=start,
        demographics=bed.demographics,
    )
