"""A trained model ready to serve."""

from dataclasses import dataclass, field
from typing import Any

import torch

from lemof_stream.contracts.predictions import ModelInfo
from lemof_stream.errors import CheckpointError
from lemof_stream.model.inputs import State, StepInputs, StepOutput
from lemof_stream.model.lemof import LeMoF
from lemof_stream.model.schema import MODALITIES, InputSchema
from lemof_stream.model.tasks import TaskSet
from lemof_stream.model.traced import TracedStep


@dataclass(frozen=True)
class Predictor:
    """A loaded checkpoint, whose weights do not change. It computes without gradients, in several threads at once, and
    changes none of the tensors it is given.
    """

    model: LeMoF
    schema: InputSchema
    info: ModelInfo
    card: dict[str, Any]
    traced: TracedStep = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "traced", TracedStep(self.model))

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the axis of `StepOutput.modality_share`."""
        return MODALITIES

    @property
    def tasks(self) -> TaskSet:
        """What it predicts."""
        return self.model.task_set

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the axis of `StepOutput.level_share`: `vitals/1`, ..., `boosted`."""
        return self.model.level_names

    @property
    def scaling_sha256(self) -> str:
        """Of how the model centres and scales its inputs."""
        return self.model.scaling_sha256

    def shared_state(self, scaling_sha256: str | None) -> frozenset[str]:
        """Names of the tensors of the state that mean the same to a checkpoint with this input schema and scaling."""
        return self.model.shared_state(scaling_sha256)

    def require_inputs_of(self, other: "Predictor") -> None:
        """See that this model could take over the stays of another.

        Raises:
            CheckpointError: it reads other inputs.
        """
        field = other.schema.difference(self.schema)
        if field is not None:
            raise CheckpointError(
                f"The model {self.info.name} {self.info.version} cannot take over from {other.info.name} "
                f"{other.info.version}, as the {field} of their inputs differ; run it in a consumer group of its own."
            )

    def initial_state(self, rows: int) -> State:
        """The state of `rows` stays before their first step."""
        return self.model.initial_state(rows)

    @torch.inference_mode()
    def step(self, inputs: StepInputs, state: State) -> tuple[StepOutput, State]:
        """One step of B rows: their outputs and the state after it."""
        return self.traced.step(inputs, state)

    @torch.inference_mode()
    def after(self, inputs: StepInputs, state: State) -> State:
        """The state after one step of B rows, as `step` gives it."""
        return self.traced.after(inputs, state)

    @torch.inference_mode()
    def forward(self, inputs: StepInputs) -> StepOutput:
        """Whole stays [B, T, ...] from their first step on."""
        output: StepOutput = self.model(inputs)
        return output
