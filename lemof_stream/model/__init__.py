"""LeMoF: the model of the paper, from step summaries to calibrated predictions.

The names resolve at their first use: the ward app takes one pure function from this package, and PyTorch, which the
rest needs, takes seconds and half a gigabyte.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from lemof_stream.model.checkpoint import load_checkpoint, load_for_cohort, save_checkpoint
    from lemof_stream.model.inputs import State, StepInputs, StepOutput, stack_outputs
    from lemof_stream.model.lemof import Architecture, LeMoF
    from lemof_stream.model.predictor import Predictor
    from lemof_stream.model.schema import MODALITIES, STATIC, InputSchema, static_row
    from lemof_stream.model.summary import StepBins
    from lemof_stream.model.tasks import TASK_SETS, TaskSet

__all__ = [
    "MODALITIES",
    "STATIC",
    "TASK_SETS",
    "Architecture",
    "InputSchema",
    "LeMoF",
    "Predictor",
    "State",
    "StepBins",
    "StepInputs",
    "StepOutput",
    "TaskSet",
    "load_checkpoint",
    "load_for_cohort",
    "save_checkpoint",
    "stack_outputs",
    "static_row",
]

_HOMES: Final = {
    "MODALITIES": "schema",
    "STATIC": "schema",
    "Architecture": "lemof",
    "InputSchema": "schema",
    "LeMoF": "lemof",
    "Predictor": "predictor",
    "State": "inputs",
    "StepBins": "summary",
    "StepInputs": "inputs",
    "StepOutput": "inputs",
    "TASK_SETS": "tasks",
    "TaskSet": "tasks",
    "load_checkpoint": "checkpoint",
    "load_for_cohort": "checkpoint",
    "save_checkpoint": "checkpoint",
    "stack_outputs": "inputs",
    "static_row": "schema",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
