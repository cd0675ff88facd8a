"""From step summaries to what is trained on: fitted scales, features, folds.

N stays, T steps, F features, A channels
"""

import torch
from torch import Tensor

from lemof_stream.model.inputs import StepInputs
from lemof_stream.model.lemof import LeMoF
from lemof_stream.model.members import Encoding
from lemof_stream.training.augment import SecondView
from lemof_stream.training.batches import Prepared
from lemof_stream.training.dataset import CHUNK

SCALE_STEPS = 4
"""Every so many steps count for the features' mean and deviation; neighbours say the same."""
SMALLEST_SCALE = 1e-2
"""A feature that hardly varies in training must not explode when it does at the bedside."""


def prepare(
    model: LeMoF, inputs: StepInputs, other: SecondView, target: Tensor, person: Tensor, seed: int
) -> Prepared:
    """Fit the scales of channels and features on the training stays and run the features of every step.

    target [N, T, K]; person [N], from 0 without gaps.
    """
    fit_channels(model, inputs)
    views = run_features(model, inputs, None), run_features(model, other.closed, other.now)
    vitals, ehr, seen = (torch.stack(pair) for pair in zip(*views, strict=True))
    for encoding, features in zip(model.encodings, (vitals, ehr), strict=True):
        assert isinstance(encoding, Encoding)
        centre, scale = _moments(features[:, :, ::SCALE_STEPS].flatten(0, 2).float())
        encoding.centre.copy_(centre)
        encoding.scale.copy_(scale.clamp(min=SMALLEST_SCALE))
    order = torch.randperm(int(person.max()) + 1, generator=torch.Generator().manual_seed(seed))
    members = model.sizes.members
    steady = bool(((target == target[:, :1]) | target.isnan()).all())
    return Prepared(vitals, ehr, seen, target, order[person] % (2 * members), person, members, steady)


def fit_channels(model: LeMoF, inputs: StepInputs) -> None:
    """Mean and deviation of every channel over all steps that saw it."""
    channels = model.features.channels
    known = torch.full_like(inputs.last[:, 0], torch.nan, dtype=torch.float32)
    values = []
    for t in range(inputs.step.shape[1]):
        last = channels.clip(inputs.last[:, t])
        known = torch.where(last.isnan(), known, last)
        values.append(channels.transform(channels.derive(channels.clip(inputs.median[:, t]), known)))
    centre, scale = _moments(torch.cat(values))
    channels.centre.copy_(centre)
    channels.scale.copy_(scale.clamp(min=1e-3))


def _moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation [F] of [R, F] without NaN; 0 and 1 where there is nothing."""
    rows = rows.double()
    mean = rows.nanmean(0)
    deviation = (rows - mean).square().nanmean(0).sqrt()
    return mean.nan_to_num(0.0), deviation.nan_to_num(1.0)


def run_features(model: LeMoF, closed: StepInputs, now: StepInputs | None) -> tuple[Tensor, Tensor, Tensor]:
    """Features of every step [N, T, F] of both modalities, in half precision, and whether each was seen [N, T, M]."""
    chunks = []
    with torch.no_grad():
        for start in range(0, len(closed.step), CHUNK):
            rows = slice(start, start + CHUNK)
            features = model.run_features(closed.rows(rows), None if now is None else now.rows(rows))
            chunks.append((features.vitals.half(), features.ehr.half(), features.seen))
    vitals, ehr, seen = (torch.cat(parts).view(*closed.step.shape, -1) for parts in zip(*chunks, strict=True))
    return vitals, ehr, seen
