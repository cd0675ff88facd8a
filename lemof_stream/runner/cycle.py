"""What goes into a cycle of the runner and what comes out of it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from lemof_stream.contracts.ehr import HourRecord, StayRecord
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.vitals import Window

Outcome = Literal["predicted", "duplicate", "late", "rejected"]


class WindowInput(NamedTuple):
    """A vital window and the partition it came from."""

    partition: int
    window: Window

    @property
    def stay_id(self) -> str:
        """The stay that the window belongs to."""
        return self.window.stay_id


class EhrInput(NamedTuple):
    """An EHR feature record and the partition it came from."""

    partition: int
    record: StayRecord | HourRecord

    @property
    def stay_id(self) -> str:
        """The stay that the record belongs to."""
        return self.record.stay_id


@dataclass(frozen=True, slots=True)
class Erased:
    """The EHR feed holds nothing more of a stay that left long ago: its retention is over."""

    stay_id: str


Input = WindowInput | EhrInput | Erased


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one input. `reason` and `detail` are set for what goes to the dead letters."""

    outcome: Outcome
    reason: str = ""
    detail: str = ""


@dataclass(slots=True)
class CycleResult:
    """Verdicts in the order of the inputs, and predictions with the partition of their stay."""

    verdicts: list[Verdict]
    predictions: list[tuple[int, Prediction]]


@dataclass(slots=True)
class Elapsed:
    """What the passing of a partition's time led to: predictions of its stays, and the stays that have left."""

    predictions: list[Prediction]
    left: list[str]
