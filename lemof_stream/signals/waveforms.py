"""What a monitor samples of one patient.

Shapes: n samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lemof_stream.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Waveforms:
    """Signals sampled together, in any unit; NaN where a sample is missing.

    Raises:
        DataError: the signals differ in length.
    """

    rate: float
    """Samples a second."""
    ecg: Mapping[str, Floats]
    """[n] by lead; empty where no lead is on."""
    pleth: Floats | None = None
    """[n] the pulse oximeter's photoplethysmogram."""
    resp: Floats | None = None
    """[n] breathing, from the impedance of the chest."""

    def __post_init__(self) -> None:
        if len({len(signal) for signal in self._signals()}) > 1:
            raise DataError("The signals of a recording differ in length; pad the shorter ones with NaN.")

    @property
    def seconds(self) -> float:
        """How long the recording is."""
        return max((len(signal) for signal in self._signals()), default=0) / self.rate

    def between(self, start_s: float, end_s: float) -> "Waveforms":
        """The samples of a stretch, of what there is of it."""
        rows = slice(max(0, round(start_s * self.rate)), max(0, round(end_s * self.rate)))
        return Waveforms(
            rate=self.rate,
            ecg={lead: signal[rows] for lead, signal in self.ecg.items()},
            pleth=None if self.pleth is None else self.pleth[rows],
            resp=None if self.resp is None else self.resp[rows],
        )

    def _signals(self) -> list[Floats]:
        return [*self.ecg.values(), *(s for s in (self.pleth, self.resp) if s is not None)]
