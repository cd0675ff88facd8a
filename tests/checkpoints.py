"""A second checkpoint for what the shipped one serves, as another training would have made it."""

from pathlib import Path

import torch

from lemof_stream.model import load_checkpoint, save_checkpoint
from lemof_stream.model.predictor import Predictor


def write_other(
    folder: Path, version: str = "2.0.0", horizon_steps: int | None = None, *, rescaled: bool = False
) -> Path:
    """Every weight of the shipped checkpoint moved by some 10%, so that its predictions differ in the second digit.

    `horizon_steps`: what makes it a checkpoint of another input schema. `rescaled`: it was trained on other people,
    whose values lie elsewhere.
    """
    shipped = load_checkpoint()
    random = torch.Generator().manual_seed(7)
    model = shipped.model
    with torch.no_grad():
        for tensor in (*model.parameters(), model.boosted.leaf, model.decision.weight):
            tensor.mul_(1 + 0.1 * torch.randn(tensor.shape, generator=random, dtype=tensor.dtype))
        if rescaled:
            model.features.channels.centre.add_(0.3 * model.features.channels.scale)
            model.features.channels.scale.mul_(1.2)
    if horizon_steps is not None:
        model.schema = model.schema.__class__.of(model.schema.channels, horizon_steps)
    save_checkpoint(folder, model, shipped.card | {"version": version})
    return folder


def load_other(folder: Path, *, rescaled: bool = False) -> Predictor:
    """Written and read again, so that its version and checksum are those of a checkpoint."""
    return load_checkpoint(write_other(folder, rescaled=rescaled))
