"""Predictions turned into alerts and a census: pure functions, without Kafka or Faust."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.presence import has_left, is_present
from lemof_stream.contracts.ward import Alert, Census, Departure, Outlook
from lemof_stream.model.leaving import EDGES, leaving_within

RISK: Final = "p_death"
"""The column that alerts watch."""

RAISE_AT: Final = 0.5
"""Probabilities are calibrated: from here on death is likelier than discharge, which nobody wants to learn late."""

CLEAR_BELOW: Final = 0.4
"""A tenth under `RAISE_AT`: more than a revision of an open step moves a risk, so that an alert does not flutter."""

_HORIZONS: Final = {"leaving_24h": 1.0, "leaving_48h": 2.0, "leaving_7d": 7.0}  # days


def outlook_key(stay_id: str) -> bytes:
    """Key of a stay's `Outlook`: one for all models, as who takes over answers for the alerts of the one before."""
    return f"{stay_id}|outlook".encode()


def departure_key(stay_id: str) -> bytes:
    """Key of a stay's `Departure`."""
    return f"{stay_id}|left".encode()


def fold_prediction(
    known: Outlook | None, departure: Departure | None, prediction: Prediction
) -> tuple[Outlook | None, Alert | None]:
    """The outlook with the prediction taken in, and the alert that follows; (None, None) for what is not newer."""
    if not {RISK, *EDGES.values()} <= prediction.predictions.keys():
        return None, None  # withheld, or a model of another task
    if known is not None and (prediction.step, prediction.revision) <= (known.step, known.revision):
        return None, None
    before = known is not None and known.raised
    outlook = Outlook(
        stay_id=prediction.stay_id,
        ward=prediction.ward,
        admitted_at=prediction.step_end - timedelta(minutes=prediction.step_end_min),
        event_time=prediction.event_time,
        prediction_id=prediction.prediction_id,
        step=prediction.step,
        revision=prediction.revision,
        step_end=prediction.step_end,
        predictions=prediction.predictions,
        raised=before,
    )
    return _with_alert(outlook, departure)


def fold_departure(known: Outlook, departure: Departure) -> tuple[Outlook | None, Alert | None]:
    """The outlook and alert that follow from a discharge; (None, None) where nothing changes."""
    outlook, alert = _with_alert(known, departure)
    return (None, None) if alert is None else (outlook, alert)


def _with_alert(outlook: Outlook, departure: Departure | None) -> tuple[Outlook, Alert | None]:
    risk = outlook.predictions[RISK]
    threshold = CLEAR_BELOW if outlook.raised else RAISE_AT
    raised = risk >= threshold and not has_left(outlook.step_end, _time_of(departure))
    if raised == outlook.raised:
        return outlook, None
    state = "raised" if raised else "cleared"
    alert = Alert(
        alert_id=f"{outlook.prediction_id}-{state}",
        stay_id=outlook.stay_id,
        ward=outlook.ward,
        state=state,
        risk=RISK,
        value=min(max(risk, 0.0), 1.0),
        threshold=threshold,
        event_time=outlook.event_time,
        prediction_id=outlook.prediction_id,
    )
    return outlook.model_copy(update={"raised": raised}), alert


def census(outlooks: Iterable[Outlook], departures: Mapping[str, Departure]) -> dict[str, Census]:
    """The census of every ward that an outlook names; a stay is counted by its newest outlook."""
    newest: dict[str, Outlook] = {}
    for outlook in outlooks:
        known = newest.get(outlook.stay_id)
        if known is None or (known.event_time, known.prediction_id) < (
            outlook.event_time,
            outlook.prediction_id,
        ):
            newest[outlook.stay_id] = outlook
    wards: dict[str, list[Outlook]] = {}
    for outlook in newest.values():
        wards.setdefault(outlook.ward, []).append(outlook)
    return {ward: _census(ward, stays, departures) for ward, stays in wards.items()}


def _census(ward: str, stays: list[Outlook], departures: Mapping[str, Departure]) -> Census:
    now = max(stay.event_time for stay in stays)
    present = [stay for stay in stays if _is_present(stay, departures.get(stay.stay_id), now)]
    expected = {
        name: sum(
            leaving_within(stay.predictions, days, (now - stay.admitted_at) / timedelta(days=1))
            for stay in present
        )
        for name, days in _HORIZONS.items()
    }
    return Census(
        ward=ward,
        event_time=now,
        stays=len(present),
        leaving_24h=expected["leaving_24h"],
        leaving_48h=expected["leaving_48h"],
        leaving_7d=expected["leaving_7d"],
    )


def _is_present(stay: Outlook, departure: Departure | None, now: datetime) -> bool:
    return is_present(stay.step_end, stay.event_time, _time_of(departure), now)


def _time_of(departure: Departure | None) -> datetime | None:
    return None if departure is None else departure.discharged_at
