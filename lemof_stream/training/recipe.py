"""How a checkpoint is trained: one TOML file with the tables [architecture] and [recipe].

`recipes/NAME.toml` beside this module is what the cohort NAME is trained with, and the one place for defaults: a file
of a user's own need hold only what differs from it.
"""

import json
import tomllib
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lemof_stream.config_files import first_complaint, read_toml
from lemof_stream.errors import ConfigError
from lemof_stream.model.fusion import LevelChoice, LevelWeighting
from lemof_stream.model.lemof import Architecture

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Recipe:
    """How to train; part of the card."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    """Of everything that is drawn: same seed, data and machine, same weights."""
    stays_a_batch: Count
    steps_a_stay: Count
    epochs: Count
    """Of stage 1, at most: it keeps the best one."""
    fusion_epochs: Count
    """Of stage 2, likewise."""
    rate: Positive
    decay: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    second_view: Share
    """Of the stays, as `augment` draws them."""
    modality_dropout: Share
    best_levels: Count
    """Levels of each modality that are fused; all where it has fewer."""
    level_choice: LevelChoice
    level_weighting: LevelWeighting
    boosted_rows: Count
    boosted_rate: Positive
    boosted_share: Annotated[float, Field(gt=0, le=1)]
    """Of the rows, that a tree learns from."""
    boosted_leaf: Positive
    """Curvature of the loss that a leaf holds at least: a row's is p (1 - p), so a rare outcome needs more rows."""
    boosted_ridge: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Curvature added to a leaf's own: it pulls leaves towards zero."""


class TrainingConfig(BaseModel):
    """What the file holds."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    architecture: Architecture
    recipe: Recipe

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        sizes = asdict(self.architecture)
        for name, value in sizes.items():
            if isinstance(value, int) and value < 1:
                raise ValueError(f"architecture.{name} must be at least 1")
        if sizes["members"] % 2:
            raise ValueError(
                "architecture.members must be even: each encoding of the inputs has half of them"
            )
        if not 0 <= sizes["dropout"] < 1:
            raise ValueError("architecture.dropout must be at least 0 and below 1")
        return self


_TABLES = {"architecture": Architecture, "recipe": Recipe}


def default_config(cohort: str) -> TrainingConfig:
    """What the checkpoint of a cohort is trained with.

    Raises:
        ConfigError: it has none, as nothing is predicted of the cohort.
    """
    return _validated(_default(cohort), f"the default recipe of {cohort}")


def read_config(cohort: str, file: Path) -> TrainingConfig:
    """A file of the user's, over the cohort's defaults.

    Raises:
        ConfigError: it cannot be read, names what there is not, or holds what does not fit.
    """
    given, whole = read_toml(file, "recipe", mend="check --recipe"), _default(cohort)
    _refuse_unknown(given, list(_TABLES), "", file)
    for table, kind in _TABLES.items():
        own = given.get(table, {})
        if not isinstance(own, dict):
            raise ConfigError(f"In {file}, {table} is no table; write its keys under [{table}].")
        _refuse_unknown(own, [field.name for field in fields(kind)], f"{table}.", file)
        whole[table] |= own
    return _validated(whole, str(file))


def to_toml(config: TrainingConfig) -> str:
    """The whole configuration, as `read_config` reads it."""
    lines = []
    for table, values in as_dict(config).items():
        lines += [f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items()), ""]
    return "\n".join(lines)


def as_dict(config: TrainingConfig) -> dict[str, dict[str, Any]]:
    """Tables, keys and values."""
    return {"architecture": asdict(config.architecture), "recipe": asdict(config.recipe)}


def _default(cohort: str) -> dict[str, Any]:
    shipped = resources.files("lemof_stream.training") / "recipes"
    file = shipped / f"{cohort}.toml"
    if not file.is_file():
        known = sorted(f.name.removesuffix(".toml") for f in shipped.iterdir() if f.name.endswith(".toml"))
        raise ConfigError(f"There is no recipe for the cohort {cohort!r}; use one of: {', '.join(known)}.")
    return tomllib.loads(file.read_text())


def _refuse_unknown(given: dict[str, Any], known: list[str], where: str, file: Path) -> None:
    for name in given:
        if name not in known:
            raise ConfigError(
                f"The recipe {file} names {where}{name}, which there is not; known are: {', '.join(known)}."
            )


def _validated(whole: dict[str, Any], source: str) -> TrainingConfig:
    try:
        # As JSON, because a strict model takes tables from text but not from Python objects.
        return TrainingConfig.model_validate_json(json.dumps(whole, default=str))
    except ValidationError as error:
        name, complaint = first_complaint(error)
        what = f"{name}: {complaint}" if name else complaint
        raise ConfigError(f"In {source}, {what}; correct that value.") from None
