"""What the runner publishes: one message for each revision of a stay's step."""

from typing import Annotated, Literal

from pydantic import Field

from lemof_stream.contracts.message import LONGEST_MIN, Identifier, Instant, Message, Part

Kind = Literal["provisional", "final", "stale", "withheld"]
Share = Annotated[float, Field(ge=0)]
PredictionId = Annotated[Identifier, Field(max_length=120)]
"""Shorter than an `Identifier`: an alert's id is that of its prediction and `-raised` or `-cleared`."""


class Explanation(Part):
    """Where a prediction came from; each group of shares sums to 1.

    `modality`: share of each modality in the decision. `level`: share of each level ("vitals/1", ...) by its
    absolute Shapley value. `stability`: share of the global modality-level predictions, the rest being the
    fused discriminative representation's.
    """

    modality: dict[str, Share]
    level: dict[str, Share]
    stability: Share


class ModelInfo(Part):
    """Which checkpoint predicted."""

    name: Identifier
    version: Identifier
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Prediction(Message):
    """One revision of one step of one stay.

    `revision` grows strictly within a stay and step and depends only on the inputs taken in, so the same inputs
    give the same `prediction_id` after a restart. `event_time` is the newest input of the stay that was taken in.

    `ehr_version` names the version of the EHR features that were joined, as of the step: how many EHR events of the
    stay (admission, transfers, discharge, and the observations up to the step) they hold.
    """

    prediction_id: PredictionId
    stay_id: Identifier
    ward: str
    kind: Kind
    revision: Annotated[int, Field(ge=1)]
    step: Annotated[int, Field(ge=1, le=LONGEST_MIN)]
    step_end_min: Annotated[int, Field(ge=1, le=LONGEST_MIN)]
    step_end: Instant
    event_time: Instant
    ehr_version: Annotated[int, Field(ge=0)] = 0
    beyond_horizon: bool
    predictions: dict[str, float]
    explanation: Explanation
    model: ModelInfo

    def key(self) -> bytes:
        """The compaction key: stay, model and step."""
        return f"{self.stay_id}|{self.model.name}-{self.model.version}|{self.step}".encode()
