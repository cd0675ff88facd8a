"""Training epoch by epoch: what every stage of networks shares.

    E members, n stays, S steps

After each epoch every member predicts stays that it never learns from. The stage ends with the weights of the epoch
whose loss there was the least, and early once it is not beaten any more. The state after each epoch is saved, and a
stage that finds one goes on from there: it ends with the same weights, to the last bit.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lemof_stream.training.batches import Batch, Prepared, batches
from lemof_stream.training.out_of_fold import held_out_stays
from lemof_stream.training.recipe import Recipe
from lemof_stream.training.resume import Saved, SavedStages

PATIENCE = 3
"""Epochs without a better one that end a stage: with a one-cycle rate the loss may rise on the peak and fall after."""
VALIDATION = 3
"""Every third of the held-out stays, which are half of all: a forward pass over a sixth of the stays costs some 5% of
an epoch."""
FEWEST_VALIDATION = 200
"""Stays that tell epochs apart, where so many are held out."""

Progress = Callable[[str, float], None]
"""Called with the stage's name and the share of it that is done."""
Loss = Callable[[Batch, Tensor], Tensor]
"""Of a batch, and by how much each member counts each stay [E, n]."""


class Epoch(NamedTuple):
    """A row of the curve: mean losses, per stay."""

    stage: str
    epoch: int
    train_loss: float
    validation_loss: float


@dataclass
class Log:
    """What a training tells: to its caller as it goes, and in its record.

    `on_epoch` is called after each epoch, and may raise to end the training.
    """

    progress: Progress
    saved: SavedStages | None = None
    on_epoch: Callable[[Epoch], None] = lambda _: None
    curve: list[Epoch] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """What is fitted, on what loss; `draws`: the generators that the loss draws from.

    Only `modules` are trained, switched between training and evaluation, and kept of the best epoch.
    """

    name: str
    epochs: int
    modules: list[nn.Module]
    loss: Loss
    draws: tuple[torch.Generator, ...] = ()


class Fitting:
    """One stage under way: all that the next epoch depends on."""

    def __init__(self, stage: Stage, data: Prepared, recipe: Recipe) -> None:
        self.stage, self.data, self.recipe = stage, data, recipe
        self.modules = nn.ModuleList(stage.modules)
        self.parameters = list(self.modules.parameters())
        self.order = torch.Generator().manual_seed(recipe.seed)
        self.optimizer = torch.optim.AdamW(self.parameters, lr=recipe.rate, weight_decay=recipe.decay)
        self.batches = -(-len(data.target) // recipe.stays_a_batch)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, recipe.rate, total_steps=stage.epochs * self.batches, pct_start=0.2
        )
        self.curve: list[Epoch] = []
        self.best = self.weights()
        self.seconds = 0.0

    def weights(self) -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in self.modules.named_parameters()}

    def set_weights(self, weights: dict[str, Tensor]) -> None:
        self.modules.load_state_dict(weights, strict=False)  # buffers are not trained

    def best_epoch(self) -> int:
        return min(self.curve, key=lambda e: e.validation_loss).epoch if self.curve else 0

    def ended(self) -> bool:
        done = len(self.curve)
        return done == self.stage.epochs or done - self.best_epoch() >= PATIENCE

    def save(self) -> Saved:
        """Everything, as tensors and JSON."""
        optimizer = self.optimizer.state_dict()
        tensors = {f"weights.{name}": tensor for name, tensor in self.weights().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for index, moments in optimizer["state"].items():
            tensors |= {f"moments.{index}.{name}": tensor for name, tensor in moments.items()}
        drawn = (self.order, *self.stage.draws)
        tensors |= {f"draws.{i}": generator.get_state() for i, generator in enumerate(drawn)}
        tensors["dropout"] = torch.get_rng_state()
        facts = {
            "curve": [epoch[1:] for epoch in self.curve],
            "seconds": self.seconds,
            "groups": optimizer["param_groups"],
            "schedule": self.schedule.state_dict(),
        }
        return Saved(tensors, facts)

    def restore(self, saved: Saved) -> None:
        """Go on from what `save` gave."""
        self.set_weights(saved.part("weights"))
        self.best, facts = saved.part("best"), saved.facts
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in saved.part("moments").items():
            index, moment = name.split(".")
            moments.setdefault(int(index), {})[moment] = tensor
        self.optimizer.load_state_dict({"state": moments, "param_groups": facts["groups"]})
        self.schedule.load_state_dict(facts["schedule"])
        for i, generator in enumerate((self.order, *self.stage.draws)):
            generator.set_state(saved.tensors[f"draws.{i}"])
        torch.set_rng_state(saved.tensors["dropout"])
        self.curve = [Epoch(self.stage.name, *row) for row in facts["curve"]]
        self.seconds = facts["seconds"]

    def epoch(self, report: Callable[[float], None]) -> float:
        """One pass over the stays; its mean loss."""
        self.modules.train()
        stays = torch.arange(len(self.data.target))
        total = torch.zeros(())
        for done, batch in enumerate(batches(self.data, stays, self.recipe, self.order)):
            self.optimizer.zero_grad()
            loss = self.stage.loss(batch, self.data.learns(batch.stays) * batch.weight)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()
            self.schedule.step()
            total += loss.detach() * len(batch.stays)
            report((len(self.curve) + (done + 1) / self.batches) / self.stage.epochs)
        return total.item() / len(self.data.target)

    def validate(self, stays: Tensor) -> float:
        """Mean loss of stays [n] by the members that never learn from them, at the same steps every time."""
        self.modules.eval()
        same = torch.Generator().manual_seed(self.recipe.seed)
        total = torch.zeros(())
        with torch.no_grad():
            for batch in batches(self.data, stays, self.recipe, same):
                counts = (1 - self.data.learns(batch.stays)) * batch.weight
                total += self.stage.loss(batch, counts) * len(batch.stays)
        return total.item() / len(stays)


def fit_stage(stage: Stage, data: Prepared, recipe: Recipe, log: Log) -> None:
    """AdamW with a one-cycle rate; ends with the weights of the best epoch."""
    fitting, sample = Fitting(stage, data, recipe), validation_stays(data)
    file = stage.name.replace(" ", "_")
    saved = log.saved and log.saved.load(file)
    if saved:
        fitting.restore(saved)
    while not fitting.ended():
        start = time.monotonic()
        train_loss = fitting.epoch(lambda share: log.progress(stage.name, share))
        row = Epoch(stage.name, len(fitting.curve) + 1, train_loss, fitting.validate(sample))
        fitting.curve.append(row)
        if fitting.best_epoch() == row.epoch:
            fitting.best = fitting.weights()
        fitting.seconds += time.monotonic() - start
        if log.saved:
            log.saved.save(file, fitting.save())
        log.on_epoch(row)
    fitting.set_weights(fitting.best)
    log.progress(stage.name, 1.0)
    log.curve += fitting.curve
    log.seconds[stage.name] = fitting.seconds


def validation_stays(data: Prepared) -> Tensor:
    """A fixed sample of the held-out stays [n]."""
    held_out = held_out_stays(data)
    order = torch.randperm(len(held_out), generator=torch.Generator().manual_seed(0))
    return held_out[order[: max(len(held_out) // VALIDATION, FEWEST_VALIDATION)]]
