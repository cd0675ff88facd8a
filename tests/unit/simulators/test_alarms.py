"""Alerts against what came to pass."""

from pathlib import Path

import numpy as np
import pytest

from lemof_stream.cohorts import read_cohort
from simulators.alarms import Alerts, Events, alerts_of, events_of, score_alarms
from tests.unit.cohorts.psv_files import psv
from tests.unit.cohorts.recordings import write


def test_an_alert_stands_until_the_risk_falls_below_the_lower_threshold() -> None:
    stay = np.array([0, 0, 0, 0, 0, 1, 1], dtype=np.intp)
    end = np.array([60, 120, 180, 240, 300, 60, 120])
    risk = np.array([0.6, 0.45, 0.39, 0.5, 0.9, 0.5, 0.45])

    alerts = alerts_of(stay, end, risk, 0.5, 0.4)

    assert alerts.stay.tolist() == [0, 0, 1]
    assert alerts.hour.tolist() == [1, 4, 1]


def test_burden_lead_time_and_what_was_missed() -> None:
    # Alerted twice before its death, alerted and well, died unalerted, alerted too late, died at an unknown time.
    alerts = Alerts(np.array([0, 0, 1, 3, 4], dtype=np.intp), np.array([4.0, 9.0, 7.0, 50.0, 2.0]))
    hour = np.array([24.0, np.nan, 30.0, 48.0, np.nan])
    events = Events(np.array([True, False, True, True, True]), hour, "death")

    found = score_alarms(alerts, events, 10.0)

    assert (found.alerts, found.per_patient_day) == (5, 0.5)
    assert (found.events, found.alerted_before, found.sensitivity) == (3, 1, 0.333)
    assert (found.alerted_stays, found.alerted_with_event, found.positive_predictive_value) == (4, 3, 0.75)
    assert found.lead_hours is not None
    assert found.lead_hours.median == 20.0


def test_no_alert_and_no_event_leave_nothing_to_share() -> None:
    none = Alerts(np.zeros(0, dtype=np.intp), np.zeros(0))
    found = score_alarms(none, Events(np.array([False]), np.array([np.nan]), "death"), 2.0)

    assert (found.alerts, found.sensitivity, found.positive_predictive_value, found.lead_hours) == (
        0,
        None,
        None,
        None,
    )


def test_sepsis_begins_six_hours_after_its_first_label(tmp_path: Path) -> None:
    labels = {"p1.psv": (0, 0, 1, 1), "p2.psv": (0, 0, 0)}
    write(
        tmp_path,
        {
            name: psv(
                *({"ICULOS": hour, "HR": 80, "SepsisLabel": label} for hour, label in enumerate(own, 1))
            )
            for name, own in labels.items()
        },
    )

    events = events_of(read_cohort("sepsis2019", tmp_path))

    assert events is not None
    assert events.happened.tolist() == [True, False]
    assert events.hour.tolist() == pytest.approx([9.0, np.nan], nan_ok=True)
