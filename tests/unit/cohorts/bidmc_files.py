"""Writes recordings in the published format of BIDMC."""

from collections.abc import Mapping, Sequence

import numpy as np

from tests.unit.signals.waves import RATE, ecg, pleth, resp, times

FIX = "{record}\nSignals: RESP; PLETH\nAge: 64\nGender: F\nLocation: micu\nMIMIC II matched wdb ID: s01\n"


def signals(
    heart: float = 75, breath: float = 16, seconds: float = 120.0, leave_out: Sequence[str] = ()
) -> str:
    """The text of a `*_Signals.csv`, its last row at `seconds`."""
    beats = times(heart, seconds)
    columns = {
        "II": ecg(beats, seconds), "RESP": resp(breath, seconds), "ABP": 80 + pleth(beats, seconds),
        "PLETH": pleth(beats, seconds),
    }  # fmt: skip
    return table({name: value for name, value in columns.items() if name not in leave_out})


def table(columns: Mapping[str, Sequence[float] | np.ndarray], rate: int = RATE) -> str:
    """Rows at a rate, times with five digits as they are published, names with a leading space."""
    lines = [",".join(["Time [s]", *(f" {name}" for name in columns)])]
    rows = zip(*columns.values(), strict=True)
    lines += [",".join([f"{n / rate:.5g}", *(f"{v:.5g}" for v in row)]) for n, row in enumerate(rows)]
    return "\n".join(lines) + "\n"


def recording(record: str, **options: float) -> dict[str, str]:
    """The four files of a recording."""
    shown = {"HR": [75.0] * 121, "PULSE": [75.0] * 121, "RESP": [16.0] * 121, "SpO2": [98.0] * 121}
    breaths = "breaths ann1 [signal sample no], breaths ann2 [signal sample no]\n"
    breaths += "".join(f"{n},{n + 5 if n < 14_000 else ''}\n" for n in range(100, 15_000, 469))
    return {
        f"{record}_Signals.csv": signals(**options),  # type: ignore[arg-type]  # rates
        f"{record}_Numerics.csv": table(shown, 1),
        f"{record}_Breaths.csv": breaths,
        f"{record}_Fix.txt": FIX.format(record=record),
    }
