"""LeMoF: the model of the paper, from step summaries to calibrated predictions."""

from lemof_stream.model.checkpoint import load_checkpoint, save_checkpoint
from lemof_stream.model.inputs import State, StepInputs, StepOutput, stack_outputs
from lemof_stream.model.lemof import Architecture, LeMoF
from lemof_stream.model.predictor import Predictor
from lemof_stream.model.schema import COLUMNS, MODALITIES, STATIC, InputSchema, static_row
from lemof_stream.model.summary import StepBins

__all__ = [
    "COLUMNS",
    "MODALITIES",
    "STATIC",
    "Architecture",
    "InputSchema",
    "LeMoF",
    "Predictor",
    "State",
    "StepBins",
    "StepInputs",
    "StepOutput",
    "load_checkpoint",
    "save_checkpoint",
    "stack_outputs",
    "static_row",
]
