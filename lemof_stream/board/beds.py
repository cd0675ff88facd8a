"""What the board knows: beds and wards, each with the number of its last change, so a browser gets what it lacks."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.presence import is_present
from lemof_stream.contracts.ward import Alert, Census, Departure

RISK: Final = "p_death"
"""The column that a trend is of."""

TREND_STEPS: Final = 24
"""Steps in a bed's trend: a day and a night."""

_Newness = tuple[int, int, str, str]


@dataclass
class _Bed:
    shown: Prediction
    trend: dict[int, tuple[_Newness, float]] = field(default_factory=dict)
    """The newest risk of death of each step, whichever model it is of: one that takes over revises steps before the one
    that is shown.
    """
    alert: Alert | None = None
    present: bool = True
    version: int = 0


class Beds:
    """The state of the board. Everything it takes may come again or out of order between topics."""

    def __init__(self) -> None:
        self.version = 0
        self._beds: dict[str, _Bed] = {}
        self._alerts: dict[str, Alert] = {}
        self._left_at: dict[str, datetime] = {}
        self._census: dict[str, tuple[int, Census]] = {}
        self._clocks: dict[str, datetime] = {}

    def take_prediction(self, prediction: Prediction) -> None:
        """Show a prediction where it is newer than what is shown, and note its risk in the trend."""
        bed = self._beds.get(prediction.stay_id)
        if bed is None:
            bed = _Bed(prediction, alert=self._alerts.get(prediction.stay_id))
            self._beds[prediction.stay_id] = bed
        newness = _newness(prediction)
        known = bed.trend.get(prediction.step)
        if RISK in prediction.predictions and (known is None or newness >= known[0]):
            bed.trend[prediction.step] = newness, prediction.predictions[RISK]
            for old in sorted(bed.trend)[:-TREND_STEPS]:
                del bed.trend[old]
        if newness >= _newness(bed.shown):
            bed.shown = prediction
        clock = self._clocks.get(prediction.ward, prediction.event_time)
        self._clocks[prediction.ward] = max(clock, prediction.event_time)
        self._touch(bed)

    def take_alert(self, alert: Alert) -> None:
        """An alert stands until a later one of its stay clears it."""
        self._alerts[alert.stay_id] = alert
        if (bed := self._beds.get(alert.stay_id)) is not None:
            bed.alert = alert
            self._touch(bed)

    def take_departure(self, departure: Departure) -> None:
        """A stay ended, or will have when its predictions come to it."""
        self._left_at[departure.stay_id] = departure.discharged_at

    def forget(self, stay_id: str) -> None:
        """A stay left so long ago that nothing is kept of it; no browser shows it any more."""
        self._beds.pop(stay_id, None)
        self._alerts.pop(stay_id, None)
        self._left_at.pop(stay_id, None)

    def take_census(self, census: Census) -> None:
        """The newest census of its ward."""
        self.version += 1
        self._census[census.ward] = (self.version, census)

    def sweep(self) -> None:
        """Take beds away whose stay has left or fallen silent, and bring back those who were heard again."""
        for stay, bed in self._beds.items():
            shown = bed.shown
            present = is_present(
                shown.step_end, shown.event_time, self._left_at.get(stay), self._clocks[shown.ward]
            )
            if present != bed.present:
                bed.present = present
                self._touch(bed)

    def since(self, version: int) -> dict[str, Any]:
        """What changed after `version`, as the browser takes it; everything that is present for version 0."""
        changed = {stay: bed for stay, bed in self._beds.items() if bed.version > version}
        return {
            "beds": [_bed_view(bed) for bed in changed.values() if bed.present],
            "gone": [stay for stay, bed in changed.items() if not bed.present] if version else [],
            "wards": [census.model_dump(mode="json") for at, census in self._census.values() if at > version],
        }

    @property
    def present(self) -> int:
        """The number of beds that are shown."""
        return sum(bed.present for bed in self._beds.values())

    def _touch(self, bed: _Bed) -> None:
        self.version += 1
        bed.version = self.version


def _newness(prediction: Prediction) -> _Newness:
    """Revisions grow with the inputs, whichever model took them in; of two at one revision the later version counts."""
    return prediction.step, prediction.revision, prediction.model.name, prediction.model.version


def _bed_view(bed: _Bed) -> dict[str, Any]:
    shown = bed.shown
    admitted_at = shown.step_end - timedelta(minutes=shown.step_end_min)
    return {
        "stay": shown.stay_id,
        "ward": shown.ward,
        "kind": shown.kind,
        "hour": shown.step_end_min / 60,
        "day": (shown.event_time - admitted_at) / timedelta(days=1),
        "event_time": shown.event_time.isoformat(),
        "values": shown.predictions,
        "beyond_horizon": shown.beyond_horizon,
        "modality": shown.explanation.modality,
        "trend": [risk for _, (_, risk) in sorted(bed.trend.items())],
        "alert": None
        if bed.alert is None or bed.alert.state == "cleared"
        else {"threshold": bed.alert.threshold, "since": bed.alert.event_time.isoformat()},
    }
