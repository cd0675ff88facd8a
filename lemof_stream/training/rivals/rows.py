"""The rows that models of single steps learn from: those that LeMoF's boosted level learns from, in groups of people.

N stays, T steps, F features of all modalities, R rows
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lemof_stream.training.batches import Prepared
from lemof_stream.training.boost import draw_rows, features_at
from lemof_stream.training.recipe import Recipe

TUNING_ROWS = 8_000
"""Two steps a stay of PhysioNet 2012: neighbouring steps say nearly the same, and settings need no more."""
FEWEST_OUTCOMES = 300
"""Of the rarest outcome among them, where there are so many: with a third of it, settings differ by chance."""
GROUPS = 3
"""Of people, each held out once where settings are tuned."""


@dataclass(frozen=True)
class Rows:
    """x [R, F] with NaN, and where it is from: stay, step, view and group of people [R]."""

    x: Tensor
    stay: Tensor
    step: Tensor
    view: Tensor
    group: Tensor

    def take(self, rows: Tensor) -> "Rows":
        """Some of the rows, by index."""
        return Rows(self.x[rows], self.stay[rows], self.step[rows], self.view[rows], self.group[rows])

    def place(self, held_out: Tensor, shape: torch.Size) -> Tensor:
        """Values [R] of steps as charted at their places in [N, T], NaN elsewhere."""
        found = torch.full(shape, torch.nan, dtype=torch.float64)
        charted = self.view == 0
        found[self.stay[charted], self.step[charted]] = held_out[charted].double()
        return found


def training_rows(data: Prepared, recipe: Recipe) -> Rows:
    """All that are learnt from."""
    stay, step, view = draw_rows(data, recipe)
    return Rows(features_at(data, view, stay, step), stay, step, view, data.fold[stay] % GROUPS)


def tuning_rows(rows: Rows, target: Tensor, seed: int) -> Rows:
    """Those that settings are tuned on; `target` [N, T, K]."""
    share = target[rows.stay, rows.step].nanmean(0)
    rarest = torch.minimum(share, 1 - share).min().item()
    wanted = max(TUNING_ROWS, round(FEWEST_OUTCOMES / max(rarest, 1 / len(rows.stay))))
    drawn = torch.randperm(len(rows.stay), generator=torch.Generator().manual_seed(seed))[:wanted]
    return rows.take(drawn.sort().values)
