"""Fusions, and LeMoF itself, as rivals: the same encoders, epochs, batches, folds and members.

E members, N stays, T steps, R rows, K tasks
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from lemof_stream.model.features import Features
from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.batches import Batch, Prepared
from lemof_stream.training.boost import fit_boosted
from lemof_stream.training.epochs import Log, Progress, Stage, fit_stage
from lemof_stream.training.fit import Levels, fit_alone, fit_decision, fit_fused
from lemof_stream.training.out_of_fold import held_out_stays, out_of_fold
from lemof_stream.training.recipe import Recipe
from lemof_stream.training.rivals.fusions import Fusion
from lemof_stream.training.rivals.rival import Answer
from lemof_stream.training.stages import drop_modalities, levels_at, task_loss

STAYS_AT_ONCE = 128
"""Bounds memory at some 300 MB."""
WIDEST = 512
"""Hidden widths searched; the widest that is needed is some 150."""


def count(*modules: nn.Module) -> int:
    """Trained weights."""
    return sum(p.numel() for module in modules for p in module.parameters())


def untrained(base: LeMoF, *, trees: int) -> LeMoF:
    """A new LeMoF with the fitted scales of another."""
    model = LeMoF(base.schema, base.task_set, replace(base.sizes, trees=trees))
    model.features, model.encodings = base.features, base.encodings
    return model


class LeMoFRival:
    """LeMoF in its three stages, with its boosted level or, with no trees, without."""

    def __init__(self, name: str, base: LeMoF, *, trees: int) -> None:
        self.name, self.model = name, untrained(base, trees=trees)

    @property
    def parameters(self) -> int:
        """Weights of the networks, leaves and thresholds of the trees."""
        boosted = self.model.boosted
        return count(self.model) + boosted.leaf.numel() + boosted.threshold.numel()

    def fit(self, data: Prepared, duration: Tensor, recipe: Recipe, progress: Progress) -> Answer:  # noqa: ARG002
        log, boosted = Log(progress), torch.zeros_like(data.target)
        if self.model.sizes.trees:
            boosted = fit_boosted(self.model, data, recipe, progress)
        levels = Levels(self.model, data, boosted)
        fit_alone(levels, recipe, log)
        fit_fused(levels, recipe, log)
        rows = out_of_fold(self.model, data, boosted)
        found = torch.full(data.target.shape, torch.nan, dtype=torch.float64)
        found[rows.stay, rows.step] = fit_decision(self.model, rows)
        return Answer(found)

    def predict(self, features: Features) -> Answer:
        self.model.eval()
        parts = []
        with torch.no_grad():
            for own, steps in _chunks(features):
                logits = self.model.integrate(self.model.encode(own, steps), own).logits
                parts.append(logits.view(-1, steps, logits.shape[-1]))
        return Answer(torch.cat(parts))


class FusionRival:
    """A fusion on top of LeMoF's encoders, trained end to end for as many epochs as LeMoF's two stages together, with
    the same share of modalities dropped, and ended by the same loss of held-out stays.
    """

    def __init__(self, name: str, base: LeMoF, kind: type[Fusion]) -> None:
        self.name, self.model = name, untrained(base, trees=0)
        self.encoders = [self.model.vitals, self.model.ehr]
        own = self.encoders[kind.modality : kind.modality + 1] if kind.modality is not None else self.encoders
        self.trained: list[nn.Module] = list(own)
        self.fusion = _of_size(kind, self.model, count(self.model) - count(*self.trained))
        self.trained.append(self.fusion)

    @property
    def parameters(self) -> int:
        return count(*self.trained)

    def fit(self, data: Prepared, duration: Tensor, recipe: Recipe, progress: Progress) -> Answer:  # noqa: ARG002
        generator = torch.Generator().manual_seed(recipe.seed + 1)

        def loss(batch: Batch, counts: Tensor) -> Tensor:
            target, seen = data.targets(batch), batch.features.seen
            if self.fusion.training:
                seen = drop_modalities(seen, recipe, generator)
            logits = self._fuse(levels_at(self.model, batch), seen)
            return task_loss(logits.view(len(logits), *target.shape), target, counts)

        epochs = recipe.epochs + recipe.fusion_epochs
        fit_stage(Stage(self.name, epochs, self.trained, loss, (generator,)), data, recipe, Log(progress))
        return Answer(self._held_out(data))

    def predict(self, features: Features) -> Answer:
        self._evaluate()
        parts = []
        with torch.no_grad():
            for own, steps in _chunks(features):
                logits = self._fuse(self.model.encode(own, steps), own.seen).mean(0)
                parts.append(logits.view(-1, steps, logits.shape[-1]))
        return Answer(torch.cat(parts))

    def _evaluate(self) -> None:
        for module in self.trained:
            module.eval()

    def _fuse(self, levels: list[list[Tensor]], seen: Tensor) -> Tensor:
        logits: Tensor = self.fusion([own[-1] for own in levels], seen)
        return logits

    def _held_out(self, data: Prepared) -> Tensor:
        """Every stay that a member never learnt from, predicted by that member: [N, T, K]."""
        self._evaluate()
        steps = data.target.shape[1]
        found = torch.full(data.target.shape, torch.nan)
        with torch.no_grad():
            for stays in torch.split(held_out_stays(data), STAYS_AT_ONCE):
                every = torch.arange(steps).expand(len(stays), -1)
                features = data.batch(stays, every, torch.zeros_like(stays))
                logits = self._fuse(self.model.encode(features, steps), features.seen)
                of_member = logits.view(len(logits), len(stays), steps, -1)  # [E, n, T, K]
                found[stays] = of_member[data.fold[stays], torch.arange(len(stays))]
        return found


def _of_size(kind: type[Fusion], model: LeMoF, wanted: int) -> Fusion:
    """The fusion whose hidden width brings it closest to so many parameters."""
    sizes, tasks = model.sizes, len(model.task_set.names)
    widths = [model.vitals.width, model.ehr.width]

    def made(hidden: int) -> Fusion:
        return kind(sizes.members, widths, hidden, tasks, sizes.dropout)

    narrow, wide = 1, WIDEST
    with torch.device("meta"):  # counts need no numbers
        while wide - narrow > 1:
            middle = (narrow + wide) // 2
            narrow, wide = (middle, wide) if count(made(middle)) <= wanted else (narrow, middle)
        best = min((narrow, wide), key=lambda hidden: abs(count(made(hidden)) - wanted))
    return made(best)


def _chunks(features: Features) -> Iterator[tuple[Features, int]]:
    """Features [N, T, ...] as flat ones of some stays each, and T."""
    steps = features.seen.shape[1]
    for start in range(0, len(features.seen), STAYS_AT_ONCE):
        rows = slice(start, start + STAYS_AT_ONCE)
        own = (features.vitals[rows], features.ehr[rows])
        vitals, ehr = (part.flatten(0, 1).float() for part in own)
        yield Features(vitals, ehr, features.seen[rows].flatten(0, 1)), steps
