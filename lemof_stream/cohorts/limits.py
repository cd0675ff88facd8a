"""Units and limits of charted values: convert what was charted in another unit, drop, clip.

Shapes: N values.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lemof_stream.contracts.channels import Range

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def _fahrenheit(value: Floats) -> Floats:
    return (value - 32) / 1.8


def _hundredth(value: Floats) -> Floats:
    return value / 100


def _molar_calcium(value: Floats) -> Floats:
    return value / 4.008  # mg/dL of one mmol/L: calcium's 40.08 g/mol


# What people chart instead: degrees Fahrenheit, FiO2 in percent, pH without its point (735), ionised calcium in mg/dL.
OTHER_UNIT: Final[dict[str, Callable[[Floats], Floats]]] = {
    "temperature": _fahrenheit,
    "fio2": _hundredth,
    "ph": _hundredth,
    "calcium_ionized": _molar_calcium,
}


class Limited(NamedTuple):
    """Values after `limit`, each column [N]. `impossible` ones are to be dropped."""

    value: Floats
    converted: Mask
    clipped: Mask
    impossible: Mask


def limit(channel: str, value: Floats, plausible: Range, possible: Range) -> Limited:
    """Bring one channel's values into its unit and range.

    A value is taken to be in the other unit only if it is impossible in its own and possible once converted.
    """
    impossible = _outside(value, possible)
    converted = np.zeros(len(value), np.bool_)
    if channel in OTHER_UNIT:
        other = OTHER_UNIT[channel](value)
        converted = impossible & ~_outside(other, possible)
        value = np.where(converted, other, value)
        impossible = impossible & ~converted
    clipped = ~impossible & _outside(value, plausible)
    return Limited(np.clip(value, plausible.low, plausible.high), converted, clipped, impossible)


def _outside(value: Floats, bounds: Range) -> Mask:
    return (value < bounds.low) | (value > bounds.high)
