"""From the model's output to the messages that are published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final, Self

from lemof_stream.contracts.predictions import Explanation, Kind, Prediction
from lemof_stream.model.inputs import StepOutput
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.grid import step_end
from lemof_stream.runner.stay import Silence, Stay

_RANK: Final[dict[Kind, int]] = {"provisional": 0, "stale": 1, "withheld": 2, "final": 3}
"""What may be said of a step one after the other without a new input in between."""
KIND_OF_OPEN: Final[dict[Silence, Kind]] = {
    Silence.NONE: "provisional",
    Silence.STALE: "stale",
    Silence.WITHHELD: "withheld",
}
"""What is said of a step that is not over."""
_NOTHING: Final = Explanation(modality={}, level={}, stability=0.0)


@dataclass(frozen=True, slots=True)
class Due:
    """A prediction about to be published."""

    stay: Stay
    step: int
    kind: Kind
    inputs: int
    """Inputs of the stay up to this step."""
    observations: int
    """Those of them that the EHR holds."""
    newest: datetime

    @classmethod
    def committed(cls, stay: Stay, step: int, kind: Kind) -> Self:
        """Of a step that knows what the committed ones know."""
        return cls(stay, step, kind, stay.live_inputs, stay.live_observations, stay.last_input)

    @property
    def revision(self) -> int:
        """Grows strictly within a stay and step, and follows from the inputs and the kind alone."""
        return 1 + len(_RANK) * (self.stay.admissions + self.inputs) + _RANK[self.kind]


class Publisher:
    """Makes messages for one checkpoint."""

    def __init__(self, predictor: Predictor) -> None:
        self._schema = predictor.schema
        self._model = predictor.info
        self._modalities = predictor.modalities
        self._levels = predictor.levels

    def messages(self, due: Sequence[Due], output: StepOutput) -> list[tuple[int, Prediction]]:
        """One message, with its partition, for each row [B] of the output."""
        names = tuple(output.columns)
        columns = zip(*(output.columns[name].tolist() for name in names), strict=True)
        shares = zip(
            output.modality_share.tolist(),
            output.level_share.tolist(),
            output.stability_share.tolist(),
            strict=True,
        )
        return [
            (item.stay.partition, self._message(item, dict(zip(names, values, strict=True)), *share))
            for item, values, share in zip(due, columns, shares, strict=True)
        ]

    def _message(
        self, due: Due, values: dict[str, float], modality: list[float], level: list[float], stability: float
    ) -> Prediction:
        stay, explanation = due.stay, self._explanation(modality, level, stability)
        if due.kind == "withheld":
            values, explanation = {}, _NOTHING
        # Built here from checked parts, at the rate of the hot path: nothing is left to validate.
        revision = due.revision
        return Prediction.of_checked(
            {
                "schema_version": 1,
                "prediction_id": self._identity(due, revision),
                "stay_id": stay.stay_id,
                "ward": stay.ward,
                "kind": due.kind,
                "revision": revision,
                "step": due.step,
                "step_end_min": due.step * self._schema.step_minutes,
                "step_end": step_end(stay.admitted_at, due.step, self._schema.step_minutes),
                "event_time": due.newest,
                "ehr_version": stay.facts + due.observations,
                "beyond_horizon": due.step > self._schema.horizon_steps,
                "predictions": values,
                "explanation": explanation,
                "model": self._model,
            }
        )

    def _explanation(self, modality: list[float], level: list[float], stability: float) -> Explanation:
        return Explanation.of_checked(
            {
                "modality": dict(zip(self._modalities, modality, strict=True)),
                "level": dict(zip(self._levels, level, strict=True)),
                "stability": stability,
            }
        )

    def _identity(self, due: Due, revision: int) -> str:
        text = f"{due.stay.stay_id}|{self._model.sha256}|{due.step}|{due.kind}|{revision}"
        return blake2b(text.encode(), digest_size=16).hexdigest()
