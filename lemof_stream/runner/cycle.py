"""What goes into a cycle of the runner and what comes out of it."""

from dataclasses import dataclass, field
from typing import Literal

from lemof_stream.contracts.ehr import HourRecord, StayRecord
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.vitals import VitalWindow

Outcome = Literal["predicted", "duplicate", "late", "rejected"]


@dataclass(frozen=True, slots=True)
class WindowInput:
    """A vital window and the partition it came from."""

    partition: int
    window: VitalWindow


@dataclass(frozen=True, slots=True)
class EhrInput:
    """An EHR feature record and the partition it came from."""

    partition: int
    record: StayRecord | HourRecord


Input = WindowInput | EhrInput


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one input. `reason` and `detail` are set for what goes to the dead letters."""

    outcome: Outcome
    reason: str = ""
    detail: str = ""


@dataclass(slots=True)
class CycleResult:
    """Verdicts in the order of the inputs, and predictions with the partition of their stay."""

    verdicts: list[Verdict] = field(default_factory=list)
    predictions: list[tuple[int, Prediction]] = field(default_factory=list)
