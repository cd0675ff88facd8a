"""Predictions as the runner publishes them, for tests of what reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lemof_stream.contracts.predictions import Explanation, ModelInfo, Prediction

ADMITTED: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
MODEL: Final = ModelInfo(name="lemof", version="1", sha256="0" * 64)


def prediction(stay: str = "stay-1", step: int = 1, revision: int = 1, **other: Any) -> Prediction:
    """One revision; `p_death`, `longer` (P > 3, 7, 14 days) and any field of the message can be told."""
    step_end = ADMITTED + timedelta(hours=step)
    longer = other.pop("longer", (0.8, 0.5, 0.2))
    columns = {
        "p_death": other.pop("p_death", 0.1),
        "p_los_gt_3": longer[0],
        "p_los_gt_7": longer[1],
        "p_los_gt_14": longer[2],
        "los_days": 8.0,
        "los_days_lo": 3.0,
        "los_days_hi": 15.0,
    }
    fields = {
        "prediction_id": f"{stay}-{step}-{revision}",
        "stay_id": stay,
        "ward": "A",
        "kind": "provisional",
        "revision": revision,
        "step": step,
        "step_end_min": 60 * step,
        "step_end": step_end,
        "event_time": step_end - timedelta(minutes=1),
        "beyond_horizon": False,
        "predictions": columns,
        "explanation": Explanation(
            modality={"vitals": 0.6, "ehr": 0.4}, level={"vitals/1": 0.5, "ehr/1": 0.5}, stability=0.7
        ),
        "model": MODEL,
    }
    return Prediction.model_validate(fields | other)
