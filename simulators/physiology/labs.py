"""Laboratory values, from the state of a patient.

Shapes: P beds, R rows of them, L values a panel.

Levels and their spread between patients are near those of PhysioNet 2012, set a; how a level follows the state is our
own choice where `organs` does not compute it.
"""

from typing import Final, NamedTuple

import numpy as np

from lemof_stream.contracts.channels import CHANNELS
from simulators.physiology.lungs import haemoglobin, oxygen_pressure
from simulators.physiology.patients import Patients
from simulators.physiology.state import Floats, Ints

_PH_OF_CARBONIC_ACID: Final = 6.1  # Henderson and Hasselbalch
_SOLUBLE: Final = 0.0307  # mmol/L of carbon dioxide for each mm[Hg]


class _Level(NamedTuple):
    """A laboratory value of a patient: level x exp(spread x own), then what the state makes of it."""

    level: float
    between: float
    """Spread between patients, of the logarithm."""
    within: float
    """Spread between two draws, likewise."""
    decimals: int = 1


# A laboratory counts haemoglobin that carries no oxygen, a pulse oximeter does not: hence the factor of sao2.
_LEVELS: Final[dict[str, _Level]] = {
    "ph": _Level(1.0, 0.0, 0.002, 2),
    "paco2": _Level(1.0, 0.0, 0.03, 0),
    "pao2": _Level(1.0, 0.15, 0.12, 0),
    "sao2": _Level(0.988, 0.0, 0.004, 0),
    "lactate": _Level(1.05, 0.42, 0.08),
    "hct": _Level(1.0, 0.0, 0.03),
    "potassium": _Level(4.0, 0.10, 0.07),
    "platelets": _Level(182.0, 0.5, 0.06, 0),
    "creatinine": _Level(0.92, 0.6, 0.05),
    "bun": _Level(19.0, 0.65, 0.05, 0),
    "hco3": _Level(1.0, 0.0, 0.05, 0),
    "magnesium": _Level(1.95, 0.10, 0.10),
    "sodium": _Level(139.0, 0.028, 0.012, 0),
    "glucose": _Level(121.0, 0.23, 0.18, 0),
    "wbc": _Level(10.4, 0.42, 0.10),
    "bilirubin": _Level(0.85, 1.1, 0.08),
    "ast": _Level(52.0, 1.2, 0.15, 0),
    "alt": _Level(36.0, 1.2, 0.15, 0),
    "alp": _Level(80.0, 0.55, 0.06, 0),
    "albumin": _Level(3.0, 0.18, 0.04),
    "troponin_t": _Level(0.18, 1.6, 0.15, 2),
    "troponin_i": _Level(2.4, 1.6, 0.15),
    "cholesterol": _Level(150.0, 0.28, 0.04, 0),
}
_NAMES: Final = tuple(_LEVELS)
_BETWEEN: Final = np.array([own.between for own in _LEVELS.values()])

GAS: Final = ("ph", "paco2", "pao2", "sao2")
LACTATE: Final = ("lactate",)
BLOOD: Final = (
    "hct", "potassium", "platelets", "creatinine", "bun", "hco3", "magnesium", "sodium", "glucose", "wbc",
)  # fmt: skip
LIVER: Final = ("bilirubin", "ast", "alt", "alp", "albumin")
TROPONIN_T: Final = ("troponin_t",)
TROPONIN_I: Final = ("troponin_i",)
LIPIDS: Final = ("cholesterol",)


class Laboratory:
    """The laboratory of P beds; it remembers where each patient's own levels lie."""

    def __init__(self, beds: int, random: np.random.Generator) -> None:
        self._random = random
        self._own = _BETWEEN * random.standard_normal((beds, len(_NAMES)))

    def renew(self, rows: Ints) -> None:
        """Draw these beds' levels anew: another patient."""
        self._own[rows] = _BETWEEN * self._random.standard_normal((len(rows), len(_NAMES)))

    def draw(self, panel: tuple[str, ...], rows: Ints, patients: Patients) -> list[dict[str, float]]:
        """[R] a panel's values, by channel, of each of these beds."""
        factor = _by_state(panel, rows, patients)
        columns = []
        for name in panel:
            level, _, within, decimals = _LEVELS[name]
            spread = self._own[rows, _NAMES.index(name)] + within * self._random.standard_normal(len(rows))
            low, high = CHANNELS[name].plausible
            columns.append(
                np.round(np.clip(level * np.exp(spread) * factor[name], low, high), decimals).tolist()
            )
        return [dict(zip(panel, values, strict=True)) for values in zip(*columns, strict=True)]


def _by_state(panel: tuple[str, ...], rows: Ints, patients: Patients) -> dict[str, Floats]:
    """What the state makes of each value's level, or the value itself where `organs` computes it: [R] each."""
    s, traits = patients.state, patients.traits
    ill, hurt = s.inflammation[rows], s.injury[rows]
    hco3, paco2, cleared = s.hco3[rows], s.paco2[rows], s.creatinine[rows]
    ph = _PH_OF_CARBONIC_ACID + np.log10(hco3 / (_SOLUBLE * paco2))
    thinner = haemoglobin(s)[rows]
    every = {
        "ph": ph,
        "paco2": paco2,
        "pao2": oxygen_pressure(s.saturation[rows]),
        "sao2": 100.0 * s.saturation[rows],
        "lactate": s.lactate[rows],
        "hct": traits.hct[rows] * thinner,
        "potassium": 1.0 + 0.06 * (cleared - 1.0) + 0.5 * np.maximum(7.3 - ph, 0.0),
        "platelets": (1.0 - 0.45 * ill) * np.minimum(thinner + 0.2, 1.1),
        "creatinine": cleared,
        "bun": cleared**0.9,
        "hco3": hco3,
        "magnesium": 1.0 + 0.05 * (cleared - 1.0),
        "sodium": 1.0 + 0.01 * (s.volume[rows] - 1.0),
        "glucose": 1.0 + 0.35 * ill + 0.2 * hurt,
        "wbc": 1.0 + 0.8 * ill,
        "bilirubin": 1.0 + 1.2 * ill + 1.5 * hurt,
        "ast": np.exp(4.0 * hurt + 0.5 * ill),
        "alt": np.exp(3.7 * hurt + 0.4 * ill),
        "alp": 1.0 + 0.2 * ill,
        "albumin": 1.0 - 0.15 * ill,
        "troponin_t": np.exp(2.5 * hurt),
        "troponin_i": np.exp(2.5 * hurt),
        "cholesterol": np.ones(len(rows)),
    }
    return {name: every[name] for name in panel}
