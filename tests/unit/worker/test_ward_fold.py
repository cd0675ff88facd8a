from datetime import timedelta
from itertools import permutations

import pytest

from lemof_stream.contracts.predictions import ModelInfo, Prediction
from lemof_stream.contracts.presence import SILENT_AFTER
from lemof_stream.contracts.ward import Alert, Departure, Outlook
from lemof_stream.worker.ward_fold import (
    CLEAR_BELOW,
    RAISE_AT,
    census,
    departure_key,
    fold_departure,
    fold_prediction,
    outlook_key,
)
from tests.predictions import ADMITTED, prediction


def folded(*predictions: Prediction, departure: Departure | None = None) -> tuple[Outlook, list[Alert]]:
    known, alerts = None, []
    for item in predictions:
        outlook, alert = fold_prediction(known, departure, item)
        known = outlook or known
        alerts += [alert] if alert else []
    assert known is not None
    return known, alerts


def left(stay: str, hours: float) -> Departure:
    return Departure(stay_id=stay, discharged_at=ADMITTED + timedelta(hours=hours))


def risks(*values: float) -> list[Prediction]:
    return [prediction(step=1 + i, p_death=value) for i, value in enumerate(values)]


def test_keys_hold_apart_stays_and_departures() -> None:
    keys = [outlook_key("stay-1"), outlook_key("stay-2"), departure_key("stay-1")]

    assert keys == [b"stay-1|outlook", b"stay-2|outlook", b"stay-1|left"]


def test_a_model_that_takes_over_clears_the_alert_that_the_one_before_raised() -> None:
    other = ModelInfo(name="lemof", version="0", sha256="0" * 64)
    first, then = prediction(step=1, p_death=0.6), prediction(step=1, revision=5, p_death=0.2, model=other)

    _, alerts = folded(first, then)
    assert [alert.state for alert in alerts] == ["raised", "cleared"]


def test_an_alert_is_raised_once_and_cleared_only_well_below() -> None:
    _, alerts = folded(*risks(0.2, RAISE_AT, 0.7, 0.45, CLEAR_BELOW, 0.39, 0.45, 0.55))

    assert [(alert.state, alert.value, alert.threshold) for alert in alerts] == [
        ("raised", RAISE_AT, RAISE_AT),
        ("cleared", 0.39, CLEAR_BELOW),
        ("raised", 0.55, RAISE_AT),
    ]
    assert alerts[0].prediction_id == "stay-1-2-1"
    assert len({alert.alert_id for alert in alerts}) == 3


@pytest.mark.parametrize(("step", "revision"), [(3, 2), (3, 1), (2, 9)])
def test_only_newer_revisions_and_steps_count(step: int, revision: int) -> None:
    known, _ = folded(prediction(step=3, revision=2, p_death=0.2))

    assert fold_prediction(known, None, prediction(step=step, revision=revision, p_death=0.9)) == (None, None)


def test_a_prediction_without_these_columns_says_nothing() -> None:
    assert fold_prediction(None, None, prediction(kind="withheld", predictions={})) == (None, None)


def test_a_discharge_clears_the_alert_of_the_step_it_lies_in() -> None:
    outlook, alerts = folded(prediction(step=3, p_death=0.9))
    assert [alert.state for alert in alerts] == ["raised"]

    assert fold_departure(outlook, left("stay-1", 30)) == (None, None)
    changed, alert = fold_departure(outlook, left("stay-1", 2.5))

    assert alert is not None
    assert changed is not None
    assert (alert.state, changed.raised) == ("cleared", False)


def test_a_replay_that_knows_of_the_discharge_beforehand_raises_and_clears_all_the_same() -> None:
    _, alerts = folded(*risks(0.9, 0.9, 0.9), departure=left("stay-1", 2.5))

    assert [(alert.state, alert.prediction_id) for alert in alerts] == [
        ("raised", "stay-1-1-1"),
        ("cleared", "stay-1-3-1"),
    ]


def test_the_census_counts_who_is_there_and_who_is_expected_to_leave() -> None:
    stays = [
        folded(prediction(f"stay-{i}", step=24, event_time=ADMITTED + timedelta(days=1)))[0] for i in range(2)
    ]

    [taken] = census(stays, {}).values()

    assert (taken.ward, taken.stays) == ("A", 2)
    # From day 1 the hazard to day 3 is constant: two more days take 0.8 to the power of 2/3.
    assert taken.leaving_48h == pytest.approx(2 * (1 - 0.8 ** (2 / 3)))
    assert taken.leaving_24h == pytest.approx(2 * (1 - 0.8 ** (1 / 3)))
    assert taken.leaving_7d > taken.leaving_48h > taken.leaving_24h


def test_who_left_and_who_fell_silent_is_not_counted() -> None:
    here, gone, soon, _ = stays = [
        folded(prediction("here", step=40))[0],
        folded(prediction("gone", step=40))[0],
        folded(prediction("soon", step=40))[0],
        folded(prediction("silent", step=40 - SILENT_AFTER // timedelta(hours=1) - 1))[0],
    ]
    departures = {stay.stay_id: left(stay.stay_id, hours) for stay, hours in ((gone, 39.5), (soon, 41))}

    assert census(stays, departures)["A"].stays == 2
    assert census([gone], departures)["A"].stays == 0
    assert census([here], departures)["A"].stays == 1


def test_a_stay_counts_once_however_many_models_watch_it_and_in_its_newest_ward() -> None:
    other = ModelInfo(name="lemof", version="2", sha256="0" * 64)
    stays = [
        folded(prediction(step=4, ward="A"))[0],
        folded(prediction(step=5, ward="B", model=other))[0],
        folded(prediction("stay-2", step=5, ward="A"))[0],
    ]

    for order in permutations(stays):
        assert {ward: taken.stays for ward, taken in census(order, {}).items()} == {"A": 1, "B": 1}
