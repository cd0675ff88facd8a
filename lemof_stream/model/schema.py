"""What a checkpoint expects to be fed: names, units, limits and the time grid."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Self

from lemof_stream.contracts.channels import CHANNELS
from lemof_stream.contracts.ehr import Demographics

MODALITIES = ("vitals", "ehr")
UNIT_TYPES = ("coronary", "cardiac_surgery", "medical", "surgical")
ADMISSION = ("age", "sex", "height_cm", "weight_kg", *(f"unit_{name}" for name in UNIT_TYPES))
"""Demographics of every model."""
STATIC = (*ADMISSION, "pre_icu_hours")
"""All demographics that there are."""
PHYSIONET2012_VITALS = (
    "heart_rate", "art_sbp", "art_dbp", "art_map", "cuff_sbp", "cuff_dbp", "cuff_map", "resp_rate", "temperature",
    "spo2",
)  # fmt: skip
PHYSIONET2012_EHR = (
    "gcs", "urine", "weight", "fio2", "mech_vent", "ph", "paco2", "pao2", "sao2", "hct", "potassium", "platelets",
    "creatinine", "bun", "hco3", "magnesium", "sodium", "glucose", "wbc", "lactate", "bilirubin", "ast", "alt", "alp",
    "albumin", "troponin_t", "troponin_i", "cholesterol",
)  # fmt: skip


@dataclass(frozen=True)
class InputSchema:
    """Inputs by name. `channels` (vitals, then EHR) is the order of the C axis, `static` of the S axis.

    `kept_steps`: how many steps back a late input may still change. `horizon_steps`: the last step trained on.
    """

    vitals: tuple[str, ...] = PHYSIONET2012_VITALS
    ehr: tuple[str, ...] = PHYSIONET2012_EHR
    static: tuple[str, ...] = ADMISSION
    units: tuple[str, ...] = tuple(CHANNELS[name].unit for name in PHYSIONET2012_VITALS + PHYSIONET2012_EHR)
    plausible: tuple[tuple[float, float], ...] = tuple(
        (CHANNELS[name].plausible.low, CHANNELS[name].plausible.high)
        for name in PHYSIONET2012_VITALS + PHYSIONET2012_EHR
    )
    step_minutes: int = 60
    kept_steps: int = 48
    horizon_steps: int = 48

    @classmethod
    def of(cls, channels: Sequence[str], horizon_steps: int, static: tuple[str, ...] = ADMISSION) -> Self:
        """A schema of these channels, in the order of the channel table."""
        vitals, ehr = (
            tuple(name for name in CHANNELS if CHANNELS[name].kind == kind and name in channels)
            for kind in MODALITIES
        )
        names = vitals + ehr
        return cls(
            vitals=vitals,
            ehr=ehr,
            static=static,
            units=tuple(CHANNELS[name].unit for name in names),
            plausible=tuple((CHANNELS[name].plausible.low, CHANNELS[name].plausible.high) for name in names),
            horizon_steps=horizon_steps,
        )

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel, vitals first."""
        return self.vitals + self.ehr

    @cached_property
    def sha256(self) -> str:
        """Two schemas have the same where a stay's inputs mean the same to both."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()

    def difference(self, other: Self) -> str | None:
        """The first field in which another schema is not as this one; None where none is."""
        differing = (f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name))
        return next(differing, None)

    def to_dict(self) -> dict[str, Any]:
        """For the card; JSON turns its tuples into lists."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read what `to_dict` and JSON made; TypeError or ValueError when the fields are others."""
        tuples: dict[str, Any] = {key: tuple(raw[key]) for key in ("vitals", "ehr", "static", "units")}
        tuples["plausible"] = tuple((float(low), float(high)) for low, high in raw["plausible"])
        return cls(**(raw | tuples))

    def contradiction(self) -> str | None:
        """The first input that the channel table or `STATIC` knows otherwise, in words; None where all agree."""
        for field in ("units", "plausible"):
            if len(getattr(self, field)) != len(self.channels):
                return f"{field} has {len(getattr(self, field))} entries where {len(self.channels)} are due"
        if self.static not in (ADMISSION, STATIC):
            return f"static is {', '.join(self.static)} where {', '.join(ADMISSION)} is due, or that and pre_icu_hours"
        for index, (name, unit, plausible) in enumerate(
            zip(self.channels, self.units, self.plausible, strict=True)
        ):
            kind = "vitals" if index < len(self.vitals) else "ehr"
            channel = CHANNELS.get(name)
            if channel is None or channel.kind != kind:
                return f"{kind} names {name}, which is none of the {kind} channels"
            if unit != channel.unit:
                return f"{name} is in {unit} where {channel.unit} is due"
            if plausible != tuple(channel.plausible):
                return f"{name} lies in {plausible} where {tuple(channel.plausible)} is due"
        return None


def static_row(demographics: Demographics | None, names: Sequence[str]) -> list[float]:
    """The S axis of one stay, whose names a schema has; NaN where unknown."""
    if demographics is None:
        return [float("nan")] * len(names)
    known: dict[str, float | None] = dict(demographics)
    unit = demographics.unit_type
    known |= {f"unit_{name}": None if unit is None else unit == name for name in UNIT_TYPES}
    row = (known[name] for name in names)
    return [float("nan") if value is None else float(value) for value in row]
