"""A modality that is missing, late or noisy where the model is used, though it was whole in training."""

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import torch
from torch import Tensor

from lemof_stream.model.inputs import StepInputs
from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.experiments.variants import Trained, predictions, scored_stays

LATE_STEPS = 6
NOISE = 0.5
"""Standard deviations of a channel between patients: a device that is clearly off, yet not out of range."""

Change = Callable[[StepInputs, slice, LeMoF], StepInputs]
"""Inputs [N, T, ...] as they arrive when something is wrong with these channels."""


def run(setting: Setting) -> list[Variant]:
    """As recorded, then every change of every modality; trained once a seed."""
    tables: dict[str, list[pa.Table]] = {"as recorded": []}
    for seed in setting.seeds:
        trained = Trained(setting.train, setting, seed, setting.part(f"seed {seed}"))
        model = trained.finish(setting.sizes, trained.recipe, setting.part(f"seed {seed}"))
        data = scored_stays(setting.test, model)
        tables["as recorded"].append(predictions(model, data))
        for name, channels in modalities(model).items():
            for what, change in CHANGES.items():
                changed = replace(data, inputs=change(data.inputs, channels, model))
                tables.setdefault(f"{name} {what}", []).append(predictions(model, changed))
    return [Variant(name, own) for name, own in tables.items()]


def modalities(model: LeMoF) -> dict[str, slice]:
    """Each modality's place on the axis of channels."""
    vitals, all_ = len(model.schema.vitals), len(model.schema.channels)
    return {"vitals": slice(0, vitals), "EHR": slice(vitals, all_)}


def missing(inputs: StepInputs, channels: slice, _: LeMoF) -> StepInputs:
    """Nothing of it ever arrives; demographics stay, as admission knows them."""
    return _map(inputs, channels, lambda value: torch.full_like(value, torch.nan))


def late(inputs: StepInputs, channels: slice, _: LeMoF) -> StepInputs:
    """Every value arrives so many steps later, and counts as new then."""

    def shift(value: Tensor) -> Tensor:
        before = torch.full_like(value[:, :LATE_STEPS], torch.nan)
        return torch.cat([before, value[:, :-LATE_STEPS]], 1)[:, : value.shape[1]]

    return _map(inputs, channels, shift)


def noisy(inputs: StepInputs, channels: slice, model: LeMoF) -> StepInputs:
    """Every step's values are off by a draw of their own, the same for its median and its last value."""
    spread = _spread(inputs, channels)
    random = torch.Generator().manual_seed(0)
    shape = inputs.median[..., channels].shape
    off = NOISE * spread * torch.randn(shape, generator=random, dtype=torch.float64)
    low, high = (
        model.features.channels.low[channels].double(),
        model.features.channels.high[channels].double(),
    )
    return _map(inputs, channels, lambda value: torch.minimum(torch.maximum(value + off, low), high))


CHANGES: dict[str, Change] = {
    "missing": missing,
    f"{LATE_STEPS} h late": late,
    f"noisy ({NOISE:g} SD)": noisy,
}


def _spread(inputs: StepInputs, channels: slice) -> Tensor:
    """Deviation of each channel's values over all stays and steps; 0 where nothing was seen."""
    value = inputs.median[..., channels].flatten(0, 1)
    return (value - value.nanmean(0)).square().nanmean(0).sqrt().nan_to_num(0.0)


def _map(inputs: StepInputs, channels: slice, change: Callable[[Tensor], Tensor]) -> StepInputs:
    median, last = inputs.median.clone(), inputs.last.clone()
    for value in (median, last):
        value[..., channels] = change(value[..., channels].clone())
    return replace(inputs, median=median, last=last)
