"""A modality that is missing, late or noisy where LeMoF or a fusion is used, though it was whole in training."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa
import torch
from torch import Tensor

from lemof_stream.model.inputs import StepInputs
from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.dataset import StepData
from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.experiments.variants import Trained, predictions, scored_stays
from lemof_stream.training.rivals.trained import make_unseen, train_rival
from lemof_stream.training.train import training_data

FUSIONS = "early fusion", "late fusion"
"""The simplest that fill what is missing with zeros, and that leave it out."""
LATE_STEPS = 6
NOISE = 0.5
"""Standard deviations of a channel between patients: a device that is clearly off, yet not out of range."""

Change = Callable[[StepInputs, slice, LeMoF], StepInputs]
"""Inputs [N, T, ...] as they arrive when something is wrong with these channels."""


def run(setting: Setting) -> list[Variant]:
    """LeMoF as recorded, then with every change of every modality, then the fusions likewise; trained once a seed."""
    tables: dict[str, dict[str, list[pa.Table]]] = {name: {} for name in ("LeMoF", *FUSIONS)}
    for seed in setting.seeds:
        log = setting.part(f"seed {seed}")
        trained = Trained(training_data(setting.train, seed), setting, seed, log)
        model = trained.finish(setting.sizes, trained.recipe, log)
        fusions = {name: train_rival(name, trained.ready, trained.recipe, log.progress) for name in FUSIONS}
        for what, data in changed(scored_stays(setting.test, model), model):
            tables["LeMoF"].setdefault(what, []).append(predictions(model, data))
            unseen = make_unseen(data, trained.ready)
            for name, fusion in fusions.items():
                tables[name].setdefault(what, []).append(fusion.predictions(unseen))
    return [Variant(f"{name}, {what}", own) for name, rows in tables.items() for what, own in rows.items()]


def changed(data: StepData, model: LeMoF) -> Iterator[tuple[str, StepData]]:
    """The stays as recorded, then with every change of every modality."""
    yield "as recorded", data
    for name, channels in modalities(model).items():
        for what, change in CHANGES.items():
            yield f"{name} {what}", replace(data, inputs=change(data.inputs, channels, model))


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
