"""The simulated ward: what it sends, who comes and goes, what its monitors get wrong."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import numpy as np
import pytest

from lemof_stream.contracts.channels import CHANNELS
from lemof_stream.contracts.ehr import Admission, Discharge, Observations, Transfer, read_ehr_event
from lemof_stream.contracts.vitals import VitalWindow
from simulators.physiology import SIGNS
from simulators.timeline import StayMessage
from simulators.ward import ward
from simulators.ward.artefacts import ARTEFACTS, Artefacts
from simulators.ward.occupancy import MEAN_STAY_MIN, WARDS, Beds

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY_MIN = 24 * 60


def messages_of(beds: int, minutes: int, seed: int = 1) -> list[StayMessage]:
    """The messages of a ward's first minutes."""
    return [m for moment in islice(ward(beds, START, seed).moments, minutes + 1) for m in moment.messages]


@pytest.fixture(scope="module")
def days() -> list[StayMessage]:
    """Forty beds for two days."""
    return messages_of(40, 2 * DAY_MIN)


def test_the_same_seed_gives_the_same_ward_and_another_seed_another() -> None:
    assert messages_of(4, 300) == messages_of(4, 300)
    assert messages_of(4, 300) != messages_of(4, 300, seed=2)


def test_every_bed_is_taken_at_the_start() -> None:
    first = next(ward(12, START, 1).moments).messages

    assert [type(m) for m in first] == [Admission] * 12
    assert len({m.stay_id for m in first}) == 12


def test_what_is_sent_is_what_the_contracts_read() -> None:
    for message in messages_of(12, 120):
        if isinstance(message, VitalWindow):
            assert VitalWindow.from_bytes(message.to_bytes()) == message
        else:
            assert read_ehr_event(message.to_bytes()) == message


def test_every_value_is_possible(days: list[StayMessage]) -> None:
    for message in days:
        match message:
            case VitalWindow():
                values, kind = message.channels, "vitals"
            case Observations():
                values, kind = message.values, "ehr"
            case _:
                continue
        for name, value in values.items():
            assert CHANNELS[name].kind == kind
            assert CHANNELS[name].possible.low <= value <= CHANNELS[name].possible.high


def test_a_stay_sends_nothing_before_its_admission_or_after_its_discharge(days: list[StayMessage]) -> None:
    admitted: set[str] = set()
    left: set[str] = set()
    for message in days:
        if isinstance(message, Admission):
            assert message.stay_id not in admitted
            admitted.add(message.stay_id)
        assert message.stay_id in admitted - left
        if isinstance(message, Discharge):
            left.add(message.stay_id)
    assert len(left) > 8
    assert len(admitted) > len(left)


def test_no_bed_is_taken_twice(days: list[StayMessage]) -> None:
    windows = [m for m in days if isinstance(m, VitalWindow)]

    assert max(Counter((w.device, w.end) for w in windows).values()) == 1


def test_a_transfer_changes_ward_and_monitor_and_nothing_else_does(days: list[StayMessage]) -> None:
    transfers = {(m.stay_id, m.event_time): m.ward for m in days if isinstance(m, Transfer)}
    assert transfers
    windows: dict[str, list[VitalWindow]] = {}
    for message in days:
        if isinstance(message, VitalWindow):
            windows.setdefault(message.stay_id, []).append(message)
    changes = 0
    for stay_id, own in windows.items():
        for before, after in pairwise(own):
            if before.ward != after.ward:
                told = [
                    w for (s, at), w in transfers.items() if s == stay_id and before.end <= at < after.end
                ]
                assert told[-1] == after.ward
                assert before.device != after.device
                changes += 1
            else:
                assert before.device == after.device
    assert changes


def test_each_stay_sends_a_window_a_minute_unless_nothing_is_measured(days: list[StayMessage]) -> None:
    ends = [m.end for m in days if isinstance(m, VitalWindow) and m.stay_id.endswith("-001")]

    gaps = [after - before for before, after in pairwise(ends)]
    assert gaps.count(timedelta(minutes=1)) > 0.99 * len(gaps)


def test_beds_are_taken_as_often_as_patients_come_for_them() -> None:
    random = np.random.default_rng(5)
    beds = Beds(60, 0.7, random)
    taken = []
    for minute in range(60 * DAY_MIN):  # stays of an exponential length
        left = np.flatnonzero(beds.taken & (random.random(60) < 1 / MEAN_STAY_MIN)).tolist()
        beds.turn(left)
        if minute > 20 * DAY_MIN:
            taken.append(beds.taken.mean())
    assert 0.64 < np.mean(taken) < 0.76


def test_beds_that_too_many_come_for_are_always_taken_again() -> None:
    random = np.random.default_rng(5)
    beds = Beds(5, 50.0, random)
    for _ in range(2000):
        beds.turn([])
    for row in range(5):
        changes = beds.turn([row])
        assert beds.taken.all()
        assert len(changes.admitted) == 1


def test_a_patient_lies_elsewhere_only_until_a_bed_of_the_own_ward_is_free() -> None:
    random = np.random.default_rng(3)
    beds = Beds(8, 1.0, random)
    for minute in range(30 * DAY_MIN):
        beds.turn(np.flatnonzero(beds.taken & (random.random(8) < 1 / MEAN_STAY_MIN)).tolist())
        if minute % 60 == 0:
            own = {row: beds.ward(row) for row in range(8)}
            free = {own[row] for row in range(8) if not beds.taken[row]}
            for row in np.flatnonzero(beds.taken).tolist():
                belongs = WARDS[beds.unit[row]]
                assert own[row] == belongs or belongs not in free
    assert len({beds.device(row) for row in range(8)}) == 8


def monitored(minutes: int, beds: int) -> tuple[np.ndarray, np.ndarray]:
    """What monitors with a line show of 80 in each sign [minutes, V, P], and what was wrong [minutes, A, P]."""
    artefacts = Artefacts(beds, np.random.default_rng(4))
    truth, line = np.full((len(SIGNS), beds), 80.0), np.ones(beds, np.bool_)
    steps = [(artefacts.show(truth, line), artefacts.active.copy()) for _ in range(minutes)]
    return np.array([shown for shown, _ in steps]), np.array([active for _, active in steps])


@pytest.mark.parametrize(
    ("artefact", "sign", "wrong"),
    [
        ("leads off", "heart_rate", np.isnan),
        ("leads loose", "heart_rate", lambda x: np.isnan(x) | (x == 0)),
        ("oximeter off", "spo2", np.isnan),
        ("motion", "spo2", lambda x: np.isnan(x) | (x < 80)),
        ("thermometer off", "temperature", np.isnan),
        ("line open", "map", lambda x: (x >= 1) & (x <= 5)),
        ("out of level", "map", lambda x: x != 80),
    ],
)
def test_an_artefact_spoils_its_sign(artefact: str, sign: str, wrong: np.ufunc) -> None:
    shown, active = monitored(2 * DAY_MIN, 40)

    spoilt = shown[:, SIGNS.index(sign)][active[:, ARTEFACTS.index(artefact)]]
    assert len(spoilt) > 50
    assert wrong(spoilt).all()


def test_without_an_artefact_a_monitor_shows_the_truth() -> None:
    shown, active = monitored(DAY_MIN, 40)

    assert (shown.transpose(0, 2, 1)[~active.any(1)] == 80).all()
