"""What a checkpoint expects to be fed: names, units, limits and the time grid."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from lemof_stream.contracts.channels import CHANNELS, EHR, VITALS
from lemof_stream.contracts.ehr import Demographics

MODALITIES = ("vitals", "ehr")
UNIT_TYPES = ("coronary", "cardiac_surgery", "medical", "surgical")
STATIC = ("age", "sex", "height_cm", "weight_kg", *(f"unit_{name}" for name in UNIT_TYPES))


@dataclass(frozen=True)
class InputSchema:
    """Inputs by name. `channels` (vitals, then EHR) is the order of the C axis, `static` of the S axis.

    `kept_steps`: how many steps back a late input may still change. `horizon_steps`: the last step trained on.
    """

    vitals: tuple[str, ...] = VITALS
    ehr: tuple[str, ...] = EHR
    static: tuple[str, ...] = STATIC
    units: tuple[str, ...] = tuple(CHANNELS[name].unit for name in VITALS + EHR)
    plausible: tuple[tuple[float, float], ...] = tuple(
        (CHANNELS[name].plausible.low, CHANNELS[name].plausible.high) for name in VITALS + EHR
    )
    step_minutes: int = 60
    kept_steps: int = 48
    horizon_steps: int = 48

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel, vitals first."""
        return self.vitals + self.ehr

    def to_dict(self) -> dict[str, Any]:
        """For the card; JSON turns its tuples into lists."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Read what `to_dict` and JSON made; TypeError or ValueError when the fields are others."""
        tuples: dict[str, Any] = {key: tuple(raw[key]) for key in ("vitals", "ehr", "static", "units")}
        tuples["plausible"] = tuple((float(low), float(high)) for low, high in raw["plausible"])
        return cls(**(raw | tuples))

    def difference(self, other: "InputSchema") -> str | None:
        """The first field in which inputs differ, in words; None where they agree (the grid may differ)."""
        for field in ("vitals", "ehr", "static", "units", "plausible"):
            mine, theirs = getattr(self, field), getattr(other, field)
            if len(mine) != len(theirs):
                return f"{field} has {len(mine)} entries where {len(theirs)} are due"
            for index, (a, b) in enumerate(zip(mine, theirs, strict=True)):
                if a != b:
                    return f"{field}[{index}] is {a} where {b} is due"
        return None


def static_row(demographics: Demographics | None) -> list[float]:
    """The S axis of one stay; NaN where unknown."""
    if demographics is None:
        return [float("nan")] * len(STATIC)
    numbers = (demographics.age, demographics.sex, demographics.height_cm, demographics.weight_kg)
    row = [float("nan") if number is None else float(number) for number in numbers]
    unit = demographics.unit_type
    return row + [float("nan") if unit is None else float(unit == name) for name in UNIT_TYPES]
