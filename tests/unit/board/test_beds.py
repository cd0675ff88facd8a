from datetime import timedelta
from itertools import permutations

import pytest

from lemof_stream.board.beds import TREND_STEPS, Beds
from lemof_stream.contracts.predictions import ModelInfo
from lemof_stream.contracts.presence import SILENT_AFTER
from lemof_stream.contracts.ward import Alert, Census, Departure
from tests.predictions import ADMITTED, prediction


def alert(state: str, stay: str = "stay-1", hours: float = 1) -> Alert:
    return Alert.model_validate(
        {
            "alert_id": f"{stay}-{hours}-{state}",
            "stay_id": stay,
            "ward": "A",
            "state": state,
            "risk": "p_death",
            "value": 0.6,
            "threshold": 0.5,
            "event_time": ADMITTED + timedelta(hours=hours),
            "prediction_id": "p1",
        }
    )


def census(stays: int, ward: str = "A") -> Census:
    return Census(ward=ward, event_time=ADMITTED, stays=stays, leaving_24h=0.5, leaving_48h=1, leaving_7d=2)


def shown(beds: Beds) -> dict[str, float]:
    """Risk by stay of what a new browser gets."""
    return {bed["stay"]: bed["values"]["p_death"] for bed in beds.since(0)["beds"]}


def test_the_newest_revision_of_the_newest_step_is_shown() -> None:
    beds = Beds()
    for step, revision, risk in [(1, 2, 0.1), (2, 2, 0.3), (2, 1, 0.2), (1, 9, 0.9)]:
        beds.take_prediction(prediction(step=step, revision=revision, p_death=risk))

    [bed] = beds.since(0)["beds"]

    assert bed["values"]["p_death"] == 0.3
    assert (bed["hour"], bed["kind"], bed["ward"], bed["alert"]) == (2, "provisional", "A", None)
    assert bed["modality"] == {"vitals": 0.6, "ehr": 0.4}


def test_the_trend_holds_the_last_steps_in_order_and_takes_late_revisions() -> None:
    beds = Beds()
    for step in (*range(1, TREND_STEPS + 3), TREND_STEPS):
        beds.take_prediction(prediction(step=step, p_death=step / 100))

    [bed] = beds.since(0)["beds"]

    assert bed["trend"] == [step / 100 for step in range(3, TREND_STEPS + 3)]


def test_a_browser_gets_only_what_changed_since_it_last_heard() -> None:
    beds = Beds()
    beds.take_prediction(prediction("stay-1"))
    beds.take_census(census(1))
    seen = beds.version
    beds.take_prediction(prediction("stay-2"))

    change = beds.since(seen)

    assert [bed["stay"] for bed in change["beds"]] == ["stay-2"]
    assert change["wards"] == change["gone"] == []
    assert beds.since(beds.version) == {"beds": [], "gone": [], "wards": []}


def test_an_alert_stands_until_it_is_cleared_and_may_come_before_its_bed() -> None:
    beds = Beds()
    beds.take_alert(alert("raised"))
    beds.take_prediction(prediction())
    assert beds.since(0)["beds"][0]["alert"] == {"threshold": 0.5, "since": "2026-01-05T09:00:00+00:00"}

    beds.take_alert(alert("cleared", hours=2))

    assert beds.since(0)["beds"][0]["alert"] is None


def test_a_discharged_bed_goes_when_its_predictions_come_to_the_discharge() -> None:
    beds = Beds()
    beds.take_departure(Departure(stay_id="stay-1", discharged_at=ADMITTED + timedelta(hours=2)))
    beds.take_prediction(prediction("stay-1", step=1))
    beds.sweep()
    assert shown(beds) == {"stay-1": 0.1}
    seen = beds.version

    beds.take_prediction(prediction("stay-1", step=2))
    beds.sweep()

    assert beds.since(seen)["gone"] == ["stay-1"]
    assert beds.since(0) == {"beds": [], "gone": [], "wards": []}
    assert beds.present == 0


def test_nothing_is_kept_of_a_stay_whose_retention_is_over() -> None:
    beds = Beds()
    beds.take_prediction(prediction("stay-1"))
    beds.take_alert(alert("raised"))
    beds.take_departure(Departure(stay_id="stay-1", discharged_at=ADMITTED))

    beds.forget("stay-1")
    beds.take_prediction(prediction("stay-1", step=2))
    beds.sweep()

    [bed] = beds.since(0)["beds"]
    assert (bed["trend"], bed["alert"]) == ([0.1], None)


def test_a_silent_bed_goes_and_comes_back_when_it_is_heard() -> None:
    beds = Beds()
    late = 2 + SILENT_AFTER // timedelta(hours=1)
    beds.take_prediction(prediction("silent", step=1))
    beds.take_prediction(prediction("heard", step=late))
    beds.sweep()
    assert set(shown(beds)) == {"heard"}

    beds.take_prediction(prediction("silent", step=late))
    beds.sweep()

    assert set(shown(beds)) == {"heard", "silent"}


def test_of_models_side_by_side_the_newest_version_is_shown() -> None:
    newer = prediction(step=1, p_death=0.2, model=ModelInfo(name="lemof", version="2", sha256="0" * 64))
    older = prediction(step=1, p_death=0.9)

    for order in permutations((newer, older)):
        beds = Beds()
        for item in order:
            beds.take_prediction(item)
        assert shown(beds) == {"stay-1": 0.2}


@pytest.mark.parametrize(("before", "after"), [("1", "2"), ("2", "1")])
def test_a_model_that_takes_over_is_shown_be_its_version_higher_or_as_after_a_rollback_lower(
    before: str, after: str
) -> None:
    beds = Beds()
    old, new = (ModelInfo(name="lemof", version=version, sha256="0" * 64) for version in (before, after))
    first = prediction(step=1, p_death=0.2, model=old)
    beds.take_prediction(first)
    beds.take_prediction(prediction(step=1, revision=5, p_death=0.3, model=new))
    beds.take_prediction(first)  # comes again

    assert shown(beds) == {"stay-1": 0.3}


def test_the_trend_takes_revisions_of_earlier_steps_by_a_model_that_has_just_taken_over() -> None:
    beds = Beds()
    new = ModelInfo(name="lemof", version="2", sha256="0" * 64)
    for step in (1, 2, 3):
        beds.take_prediction(prediction(step=step, p_death=0.1 * step))

    beds.take_prediction(prediction(step=2, revision=7, p_death=0.9, model=new))
    beds.take_prediction(prediction(step=2, revision=2, p_death=0.5))  # of the old one, and older

    [bed] = beds.since(0)["beds"]
    assert bed["trend"] == pytest.approx([0.1, 0.9, 0.3])
    assert bed["values"]["p_death"] == pytest.approx(0.3)


def test_the_newest_census_of_each_ward_is_shown() -> None:
    beds = Beds()
    for taken in (census(1), census(2), census(5, "B")):
        beds.take_census(taken)

    assert {ward["ward"]: ward["stays"] for ward in beds.since(0)["wards"]} == {"A": 2, "B": 5}
