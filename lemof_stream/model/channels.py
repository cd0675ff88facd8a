"""Measured channels, those derived from them, and the scale on which both run.

B rows, C measured channels, A = all channels: vitals and derived vitals, then EHR and derived EHR
"""

import torch
from torch import Tensor, nn

from lemof_stream.model.schema import InputSchema

DERIVED_VITALS = ("sbp", "dbp", "map", "shock_index", "pulse_pressure")
DERIVED_EHR = ("pf_ratio", "bun_creatinine", "urine_per_kg")
SKEWED = (
    *(
        "urine",
        "creatinine",
        "bun",
        "glucose",
        "wbc",
        "platelets",
        "lactate",
        "bilirubin",
        "ast",
        "alt",
        "alp",
    ),
    *("troponin_t", "troponin_i", "urine_per_kg", "bun_creatinine", "pf_ratio"),
)
"""Channels whose tail spans orders of magnitude: they run as logarithms."""
SKEW_FLOOR = 0.05
"""Added before the logarithm, below the smallest value that matters clinically in any of `SKEWED`."""
SCALED_LIMIT = 8.0
"""Beyond so many standard deviations a value says no more; bounded inputs keep float32 sums exact enough."""


def all_channels(schema: InputSchema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the A axis: the vitals' part and the EHR's."""
    return schema.vitals + DERIVED_VITALS, schema.ehr + DERIVED_EHR


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
        self.register_buffer("skewed", torch.tensor([n in SKEWED for n in vitals + ehr]), persistent=False)
        self.register_buffer("centre", torch.zeros(len(vitals + ehr)))
        self.register_buffer("scale", torch.ones(len(vitals + ehr)))
        self._vitals = len(schema.vitals)
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

        def latest(name: str) -> Tensor:
            return known[..., self._at[name]]

        def either(line: Tensor, cuff: Tensor) -> Tensor:
            return torch.where(line.isnan(), cuff, line)

        sbp, dbp, mean = (either(now(f"art_{k}"), now(f"cuff_{k}")) for k in ("sbp", "dbp", "map"))
        vitals = (sbp, dbp, mean, now("heart_rate") / sbp, sbp - dbp)
        ehr = (
            now("pao2") / latest("fio2"),
            now("bun") / latest("creatinine"),
            now("urine") / latest("weight"),
        )
        measured = value[..., : self._vitals], value[..., self._vitals :]
        return torch.cat([measured[0], torch.stack(vitals, -1), measured[1], torch.stack(ehr, -1)], -1)

    def transform(self, value: Tensor) -> Tensor:
        """[..., A] in units -> the skewed ones as logarithms."""
        return torch.where(self.skewed, torch.log(value.clamp(min=0) + SKEW_FLOOR), value)

    def forward(self, value: Tensor, known: Tensor) -> Tensor:
        """[..., C] in units (clipped) -> [..., A] scaled; NaN where unseen."""
        scaled = (self.transform(self.derive(value, known)) - self.centre) / self.scale
        return scaled.clamp(-SCALED_LIMIT, SCALED_LIMIT)
