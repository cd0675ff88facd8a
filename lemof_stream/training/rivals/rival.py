"""What a rival is: it learns from prepared stays and answers for stays that it never saw.

N stays, T steps, K tasks
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from lemof_stream.model.features import Features
from lemof_stream.training.batches import Prepared
from lemof_stream.training.epochs import Progress
from lemof_stream.training.recipe import Recipe


@dataclass(frozen=True)
class Answer:
    """logits [N, T, K]; duration [N, T] of a rival that predicts it directly, else None. NaN: not asked."""

    logits: Tensor
    duration: Tensor | None = None


class Rival(Protocol):
    """One way to predict."""

    name: str

    @property
    def parameters(self) -> int:
        """Trained numbers: weights of a network, leaves and thresholds of trees."""
        ...

    def fit(self, data: Prepared, duration: Tensor, recipe: Recipe, progress: Progress) -> Answer:
        """Learn from `data` and `duration` [N, T] (NaN: unknown).

        Returns its answers for the steps of training stays that were held out from what answers, NaN elsewhere:
        everything that calibrates is fitted on these.
        """
        ...

    def predict(self, features: Features) -> Answer:
        """Answers for every step of unseen stays; features are [N, T, ...] and as charted."""
        ...
