"""What the stages learn from, batch by batch.

E members, N stays, T steps, F features, K tasks; a batch holds n stays and S steps of each
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lemof_stream.model.features import Features
from lemof_stream.training.recipe import Recipe

POOL = 8
"""Batches whose stays are sorted by length: the vitals run over whole stays to the longest of a batch, and the longest
stays are four times as long as most. More than 8 saves little more, and makes batches less random."""


@dataclass(frozen=True)
class Batch:
    """Rows of stays [n], some of their steps [n, S], and the features of both in a random view.

    weight [n]: how many known steps of its stay a drawn one stands for, as scores count steps.
    """

    stays: Tensor
    steps: Tensor
    features: Features
    weight: Tensor


@dataclass(frozen=True)
class Prepared:
    """Training data as features: vitals [2, N, T, Fv], ehr [2, N, T, Fe], seen [2, N, T, M]; target [N, T, K] (NaN:
    unknown); fold [N] and person [N], as no person is in two folds.

    Of the two views the first is the stays as they were charted, the second as `augment` draws them.

    Folds from `members` on are seen by all. `steady`: whether a stay's target is the same at all its known steps; the
    last one is then learnt from the most, as it knows the most.
    """

    vitals: Tensor
    ehr: Tensor
    seen: Tensor
    target: Tensor
    fold: Tensor
    person: Tensor
    members: int
    steady: bool

    def known(self) -> Tensor:
        """[N, T] whether anything is to be learnt from a step."""
        return ~self.target.isnan().all(-1)

    def learns(self, stays: Tensor) -> Tensor:
        """[E, n] 1 where a member may learn from a stay."""
        return (self.fold[stays] != torch.arange(self.members).unsqueeze(1)).float()

    def targets(self, batch: Batch) -> Tensor:
        """The batch's targets [n, S, K]."""
        return self.target[batch.stays.unsqueeze(1), batch.steps].float()

    def last_known(self) -> Tensor:
        """[N] the last step, from 0, of which anything is to be learnt."""
        known = self.known()
        return (known * torch.arange(1, known.shape[1] + 1)).argmax(1)

    def batch(self, stays: Tensor, steps: Tensor, view: Tensor) -> Features:
        """Features of some stays in views [n]; of the EHR and `seen` only these steps [n, S], of vitals all to the
        last of them.
        """
        row, which = stays.unsqueeze(1), view.unsqueeze(1)
        return Features(
            vitals=self.vitals[view, stays, : int(steps.max()) + 1].flatten(0, 1).float(),
            ehr=self.ehr[which, row, steps].flatten(0, 1).float(),
            seen=self.seen[which, row, steps].flatten(0, 1),
        )


def batches(data: Prepared, stays: Tensor, recipe: Recipe, generator: torch.Generator) -> Iterator[Batch]:
    """These stays in random order, each with some known steps, drawn without replacement; of a steady target the last
    one always.
    """
    steps, known, last = data.target.shape[1], data.known(), data.last_known()
    for places in _of_like_length(last[stays], recipe.stays_a_batch, generator):
        chosen = stays[places]
        noise = torch.rand(len(chosen), steps, generator=generator) + known[chosen]
        if data.steady:
            noise[torch.arange(len(chosen)), last[chosen]] = 3.0
        longest = int(last[chosen].max()) + 1
        some = noise[:, :longest].topk(min(recipe.steps_a_stay, longest), 1).indices
        view = (torch.rand(len(chosen), generator=generator) < recipe.second_view).long()
        count = known[chosen].sum(1)
        weight = count / count.clamp(min=1, max=some.shape[1])
        yield Batch(chosen, some, data.batch(chosen, some, view), weight)


def _of_like_length(length: Tensor, size: int, generator: torch.Generator) -> list[Tensor]:
    """Stays in random batches; of `POOL` batches that were drawn together each takes stays of like length [N].

    Where all are as long as each other, the batches are as drawn.
    """
    batches = []
    for pool in torch.split(torch.randperm(len(length), generator=generator), POOL * size):
        places = torch.split(length[pool].argsort(stable=True), size)
        batches += [pool[own] for own in sorted(places, key=lambda own: int(own.min()))]
    return batches
