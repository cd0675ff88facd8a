"""What is stated once of a stay: facts known at admission, and the targets of its steps.

Shapes: S stays, M steps with a known target.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts.cohort import StepTargets
from lemof_stream.cohorts.limits import Floats
from lemof_stream.cohorts.tally import Fate, Tally
from lemof_stream.contracts.channels import CHANNELS, Range
from lemof_stream.contracts.ehr import Demographics, UnitType


class Fact(NamedTuple):
    """The limits of a statement; a coded one is a whole number."""

    plausible: Range
    possible: Range
    coded: bool = False


# The sets hold adults; heights below 100 cm are inches or slips, above 250 cm nobody's.
AGE: Final = Fact(Range(0, 120), Range(0, 120))
SEX: Final = Fact(Range(0, 1), Range(0, 1), coded=True)
HEIGHT: Final = Fact(Range(120, 220), Range(100, 250))
WEIGHT: Final = Fact(CHANNELS["weight"].plausible, CHANNELS["weight"].possible)

_SEXES: Final[dict[float, int]] = {0: 0, 1: 1}
_MINUTES: Final = 60  # of a step


def known_at_admission(tally: Tally, name: str, fact: Fact, stays: int) -> Floats:
    """[S] a fact known at admission, NaN where unknown; later and repeated statements are dropped."""
    rows = tally.pending(name)
    tally.drop(rows, tally.lines.minute[rows] > 0, Fate.AFTER_ADMISSION)
    rows = _limited(tally, name, fact)
    rows = _first(tally, rows, tally.lines.source[rows].astype(np.int64))
    known = np.full(stays, np.nan)
    known[tally.lines.source[rows]] = tally.value[rows]
    return known


def step_targets(tally: Tally, name: str, fact: Fact) -> StepTargets | None:
    """The targets that a parameter states, each at the end of its step; None where the set has no such parameter."""
    if name not in tally.lines.names:
        return None
    rows = _limited(tally, name, fact)
    step = tally.lines.minute[rows] // _MINUTES
    rows = _first(tally, rows, (tally.lines.source[rows].astype(np.int64) << 32) + step)
    return StepTargets(tally.lines.source[rows], tally.lines.minute[rows] // _MINUTES, tally.value[rows])


def _limited(tally: Tally, name: str, fact: Fact) -> NDArray[np.intp]:
    rows = tally.limit(name, name, fact.plausible, fact.possible)
    if not fact.coded:
        return rows
    whole: NDArray[np.bool_] = tally.value[rows] % 1 == 0
    tally.drop(rows, ~whole, Fate.IMPOSSIBLE)
    return rows[whole]


def _first(tally: Tally, rows: NDArray[np.intp], key: NDArray[np.int64]) -> NDArray[np.intp]:
    """Keep the first line of each key and drop the others; the kept ones, sorted by key."""
    _, first = np.unique(key, return_index=True)
    repeated = np.ones(len(rows), np.bool_)
    repeated[first] = False
    tally.drop(rows, repeated, Fate.REPEATED)
    kept: NDArray[np.intp] = rows[first]
    tally.keep(kept)
    return kept


def demographics(
    age: Floats,
    sex: Floats,
    height: Floats,
    weight: Floats,
    unit_type: Iterable[UnitType | None],
    pre_icu_hours: Floats,
) -> tuple[Demographics, ...]:
    """One a stay, from columns [S] that are NaN where unknown."""
    columns = (column.tolist() for column in (age, sex, height, weight, pre_icu_hours))
    return tuple(
        Demographics(
            age=_known(age),
            sex=_SEXES.get(sex),
            height_cm=_known(height),
            weight_kg=_known(weight),
            unit_type=unit,
            pre_icu_hours=_known(hours),
        )
        for age, sex, height, weight, hours, unit in zip(*columns, unit_type, strict=True)
    )


def _known(fact: float) -> float | None:
    return None if np.isnan(fact) else fact
