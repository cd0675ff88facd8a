"""The simulated ward and its patients."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy as np

from lemof_stream.contracts.channels import CHANNELS
from lemof_stream.contracts.ehr import Admission, Observations
from lemof_stream.contracts.vitals import VitalWindow
from simulators.physiology import SIGNS, Patients
from simulators.timeline import StayMessage
from simulators.ward import ward

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY_MIN = 24 * 60


def day(beds: int = 4, seed: int = 1) -> list[StayMessage]:
    """The messages of a ward's first 24 hours."""
    moments = islice(ward(beds, START, seed).moments, DAY_MIN + 1)
    return [message for moment in moments for message in moment.messages]


def test_the_same_seed_gives_the_same_ward_and_another_seed_another() -> None:
    assert day(seed=1) == day(seed=1)
    assert day(seed=1) != day(seed=2)


def test_each_bed_is_admitted_and_sends_one_window_a_minute() -> None:
    messages = day(beds=4)

    admitted = [m.stay_id for m in messages if isinstance(m, Admission)]
    assert len(set(admitted)) == 4
    for stay_id in admitted:
        ends = [m.end for m in messages if isinstance(m, VitalWindow) and m.stay_id == stay_id]
        assert ends == [START + timedelta(minutes=minute) for minute in range(1, DAY_MIN + 1)]


def test_each_bed_is_charted_every_hour_and_has_labs_every_few_hours() -> None:
    messages = day(beds=4)

    for stay_id in {m.stay_id for m in messages}:
        events = [m for m in messages if isinstance(m, Observations) and m.stay_id == stay_id]
        assert sum("gcs" in event.values for event in events) == 24
        assert 3 <= sum("lactate" in event.values for event in events) <= 6


def test_every_value_is_plausible() -> None:
    for message in day(beds=12):
        match message:
            case VitalWindow():
                values = message.channels
            case Observations():
                values = message.values
            case _:
                continue
        for name, value in values.items():
            assert CHANNELS[name].plausible.low <= value <= CHANNELS[name].plausible.high


def test_a_bed_measures_its_pressure_by_line_every_minute_or_by_cuff_now_and_then() -> None:
    windows = [m for m in day(beds=12) if isinstance(m, VitalWindow)]

    kinds = {"art": 0, "cuff": 0}
    for stay_id in {w.stay_id for w in windows}:
        of_bed = [w.channels for w in windows if w.stay_id == stay_id]
        line, cuff = (sum(f"{kind}_map" in values for values in of_bed) for kind in kinds)
        assert (line, cuff) in {(DAY_MIN, 0), (0, DAY_MIN // 15)}
        kinds["art" if line else "cuff"] += 1
    assert all(kinds.values())


def courses(patients: int, minutes: int) -> tuple[np.ndarray, np.ndarray]:
    """Vital signs [minutes, P, V] and severity [minutes, P]."""
    ill = Patients(patients, 0.0, np.random.default_rng(3))
    steps = [(ill.advance(), ill.severity.copy()) for _ in range(minutes)]
    return np.array([signs for signs, _ in steps]), np.array([severity for _, severity in steps])


def test_who_deteriorates_has_a_fast_heart_low_pressure_and_low_saturation() -> None:
    signs, severity = courses(200, 2 * DAY_MIN)

    grave, well = signs[severity > 0.6].mean(0), signs[severity < 0.05].mean(0)
    change = dict(zip(SIGNS, grave - well, strict=True))
    assert change["heart_rate"] > 20
    assert change["sbp"] < -20
    assert change["resp_rate"] > 5
    assert change["spo2"] < -3


def test_patients_worsen_and_recover() -> None:
    _, severity = courses(200, 3 * DAY_MIN)

    worsened = (severity[0] < 0.05) & (severity.max(0) > 0.5)
    recovered = (severity.max(0) > 0.5) & (severity[-1] < 0.2)
    assert worsened.sum() > 20
    assert recovered.sum() > 20


def test_temperature_follows_the_time_of_day() -> None:
    signs, severity = courses(300, 2 * DAY_MIN)

    warmth = np.where(severity < 0.05, signs[..., SIGNS.index("temperature")], np.nan)
    afternoon, night = np.nanmean(warmth[17 * 60]), np.nanmean(warmth[DAY_MIN + 5 * 60])
    assert afternoon > night + 0.3


def test_signs_move_together() -> None:
    signs, severity = courses(100, DAY_MIN)

    moves = np.diff(signs, axis=0)[severity[1:] < 0.05]
    together = np.corrcoef(moves.T)
    assert together[SIGNS.index("sbp"), SIGNS.index("dbp")] > 0.4
    assert together[SIGNS.index("heart_rate"), SIGNS.index("sbp")] < -0.1
