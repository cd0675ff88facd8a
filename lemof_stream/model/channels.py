"""Measured channels, those derived from them, and the scale on which both run.

B rows, C measured channels, A = all channels: vitals and derived vitals, then EHR and derived EHR
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from lemof_stream.model.schema import InputSchema

PRESSURES = ("sbp", "dbp", "map")
"""Measured as they are, or else merged from the arterial line and the cuff."""
SKEWED = (
    "urine", "creatinine", "bun", "glucose", "wbc", "platelets", "lactate", "bilirubin", "bilirubin_direct", "ast",
    "alt", "alp", "ck", "ck_mb", "crp", "inr", "ptt", "bands", "lymphocytes", "troponin_t", "troponin_i",
    "urine_per_kg", "bun_creatinine", "pf_ratio",
)  # fmt: skip
"""Channels whose tail spans orders of magnitude: they run as logarithms."""
SKEW_FLOOR = 0.05
"""Added before the logarithm, below the smallest value that matters clinically in any of `SKEWED`."""
SCALED_LIMIT = 8.0
"""Beyond so many standard deviations a value says no more."""
GRID = 2048.0
"""Scaled values are multiples of 1 / GRID standard deviations, far below what any device resolves. Sums of a day of
them are exact in float32, so features are the same to the last bit whatever the batch they are computed in, and a
boosted tree takes the same branch in `step` and in `forward`."""


def on_grid(value: Tensor) -> Tensor:
    """Double precision -> the nearest multiple of 1 / GRID, whatever the last bits."""
    return ((value * GRID).round() / GRID).float()


def all_channels(schema: InputSchema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the A axis: the vitals' part and the EHR's. A channel is derived where its sources are measured."""
    measured = set(schema.channels)
    merged = tuple(name for name in PRESSURES if {f"art_{name}", f"cuff_{name}"} <= measured)
    pressures = measured | set(merged)
    vitals = {"shock_index": {"heart_rate", "sbp"}, "pulse_pressure": {"sbp", "dbp"}}
    ehr = {
        "pf_ratio": {"pao2", "fio2"},
        "bun_creatinine": {"bun", "creatinine"},
        "urine_per_kg": {"urine", "weight"},
    }
    return (
        schema.vitals + merged + tuple(name for name, sources in vitals.items() if sources <= pressures),
        schema.ehr + tuple(name for name, sources in ehr.items() if sources <= measured),
    )


class Channels(nn.Module):
    """Clips, derives and scales one step's values; `centre` and `scale` [A] are fitted on training data."""

    low: Tensor
    high: Tensor
    skewed: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(self, schema: InputSchema) -> None:
        super().__init__()
        vitals, ehr = all_channels(schema)
        limits = torch.tensor(schema.plausible, dtype=torch.float32)
        self.register_buffer("low", limits[:, 0].clone(), persistent=False)
        self.register_buffer("high", limits[:, 1].clone(), persistent=False)
        skewed = [index for index, name in enumerate(vitals + ehr) if name in SKEWED]
        self.register_buffer("skewed", torch.tensor(skewed, dtype=torch.int64), persistent=False)
        self.register_buffer("centre", torch.zeros(len(vitals + ehr)))
        self.register_buffer("scale", torch.ones(len(vitals + ehr)))
        self._vitals = len(schema.vitals)
        self._derived = vitals[len(schema.vitals) :], ehr[len(schema.ehr) :]
        self._at = {name: index for index, name in enumerate(schema.channels)}

    def clip(self, value: Tensor) -> Tensor:
        """[..., C] into the plausible range; NaN stays."""
        return torch.minimum(torch.maximum(value.float(), self.low), self.high)

    def derive(self, value: Tensor, known: Tensor) -> Tensor:
        """[..., C] -> [..., A]. `known` [..., C]: the latest value of each channel, this step's included.

        A derived value is seen when its numerator is; its denominator may be older.
        """

        def now(name: str) -> Tensor:
            return value[..., self._at[name]]

        def ratio(numerator: str, denominator: str) -> Tensor:
            return now(numerator) / known[..., self._at[denominator]]

        def pressure(name: str) -> Tensor:
            if name in self._at:
                return now(name)
            line = now(f"art_{name}")
            return torch.where(line.isnan(), now(f"cuff_{name}"), line)

        formulas: dict[str, Callable[[], Tensor]] = {
            **{name: partial(pressure, name) for name in PRESSURES},
            "shock_index": lambda: now("heart_rate") / pressure("sbp"),
            "pulse_pressure": lambda: pressure("sbp") - pressure("dbp"),
            "pf_ratio": lambda: ratio("pao2", "fio2"),
            "bun_creatinine": lambda: ratio("bun", "creatinine"),
            "urine_per_kg": lambda: ratio("urine", "weight"),
        }
        parts = [value[..., : self._vitals], *(formulas[name]().unsqueeze(-1) for name in self._derived[0])]
        parts += [value[..., self._vitals :], *(formulas[name]().unsqueeze(-1) for name in self._derived[1])]
        return torch.cat(parts, -1)

    def transform(self, value: Tensor) -> Tensor:
        """[..., A] in units -> the skewed ones as logarithms."""
        logarithms = value.index_select(-1, self.skewed).clamp(min=0).add(SKEW_FLOOR).log()
        return value.index_copy(-1, self.skewed, logarithms)

    def forward(self, value: Tensor, known: Tensor) -> Tensor:
        """[..., C] in units (clipped) -> [..., A] scaled; NaN where unseen.

        In double precision up to the grid: a logarithm's last bit may depend on where in a batch the value lies.
        """
        scaled = (self.transform(self.derive(value, known).double()) - self.centre) / self.scale
        return on_grid(scaled.clamp(-SCALED_LIMIT, SCALED_LIMIT))
