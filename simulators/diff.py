"""Do two recordings agree on their predictions?

What counts is the last revision of each stay and step, as for a consumer of the compacted topic: how many provisional
revisions came before it depends on how the inputs happened to be batched. The last in the order of the topic is the
last revision; a stay and its steps lie in one partition.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from pydantic import BaseModel

from lemof_stream.contracts.predictions import Kind, Prediction
from lemof_stream.contracts.topics import PREDICTIONS
from lemof_stream.errors import DataError, MessageError
from simulators.recording import Recording

TOLERANCE: Final = 1e-5
"""As far as what is published may be from `lemof predict`: sums in another order, in single precision."""

# As many examples as fit a screen.
_EXAMPLES: Final = 10


class Disagreement(BaseModel):
    """A stay and step whose last revisions differ: in their kinds, or in this column by so much."""

    stay_id: str
    step_end_min: int
    kinds: tuple[Kind, Kind]
    column: str | None
    """None: they are of different kinds, or one holds columns that the other lacks."""
    difference: float | None


class Comparison(BaseModel):
    """What two recordings, a and b, have in common."""

    agree: bool
    tolerance: float
    compared: int
    """Stays and steps that both hold."""
    missing_in_a: int
    missing_in_b: int
    differing: int
    max_difference: float
    """Of any column, over all stays and steps that both hold."""
    models: tuple[list[str], list[str]]
    """Name, version and the first digits of the SHA-256 of what predicted in a and in b."""
    examples: list[Disagreement]
    """The first that differ."""


class _Last(NamedTuple):
    kind: Kind
    predictions: dict[str, float]


def compare(a: Recording, b: Recording, tolerance: float) -> Comparison:
    """Compare the predictions of two recordings.

    Raises:
        DataError: one of them holds no predictions, or one that cannot be read.
    """
    (last_a, models_a), (last_b, models_b) = _last_revisions(a), _last_revisions(b)
    common = sorted(last_a.keys() & last_b.keys())
    missing_in_a, missing_in_b = len(last_b) - len(common), len(last_a) - len(common)
    largest, found = 0.0, []
    for place in common:
        one = _disagreement(place, last_a[place], last_b[place])
        largest = max(largest, one.difference or 0.0)
        if one.difference is None or one.difference > tolerance:
            found.append(one)
    return Comparison(
        agree=not (found or missing_in_a or missing_in_b),
        tolerance=tolerance,
        compared=len(common),
        missing_in_a=missing_in_a,
        missing_in_b=missing_in_b,
        differing=len(found),
        max_difference=largest,
        models=(models_a, models_b),
        examples=found[:_EXAMPLES],
    )


def _disagreement(place: tuple[str, int], a: _Last, b: _Last) -> Disagreement:
    """How far they are apart; `difference` is None where numbers do not say it."""
    column, difference = None, None
    if a.kind == b.kind and a.predictions.keys() == b.predictions.keys():
        apart = {name: abs(value - b.predictions[name]) for name, value in a.predictions.items()}
        column = max(apart, key=apart.__getitem__, default=None)
        difference = 0.0 if column is None else apart[column]
    stay_id, step_end_min = place
    return Disagreement(
        stay_id=stay_id,
        step_end_min=step_end_min,
        kinds=(a.kind, b.kind),
        column=column,
        difference=difference,
    )


def _last_revisions(recording: Recording) -> tuple[dict[tuple[str, int], _Last], list[str]]:
    last: dict[tuple[str, int], _Last] = {}
    models = set()
    for prediction in _predictions(recording):
        last[prediction.stay_id, prediction.step_end_min] = _Last(prediction.kind, prediction.predictions)
        models.add(prediction.model)
    if not last:
        raise DataError(
            f"{recording} holds no {PREDICTIONS}, so there is nothing to compare: record them too."
        )
    return last, sorted(f"{model.name} {model.version} ({model.sha256[:12]})" for model in models)


def _predictions(recording: Recording) -> Iterator[Prediction]:
    for row in recording.rows(PREDICTIONS):
        if row.value is None:  # the tombstone of a stay that left
            continue
        try:
            yield Prediction.from_bytes(row.value)
        except MessageError as error:
            raise DataError(
                f"In {recording}, partition {row.partition} offset {row.offset} of {PREDICTIONS} cannot be compared: "
                f"{error}"
            ) from None
