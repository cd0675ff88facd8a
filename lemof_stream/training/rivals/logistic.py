"""Logistic regression on summary features: first, last, mean, lowest, highest, deviation, count and mean of 12 hours.

N stays, T steps, R rows, F features of all modalities, P of them summary features, K tasks
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor

from lemof_stream.model.channels import all_channels
from lemof_stream.model.features import STATISTICS, Features
from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.batches import Prepared
from lemof_stream.training.epochs import Progress
from lemof_stream.training.recipe import Recipe
from lemof_stream.training.rivals.rival import Answer
from lemof_stream.training.rivals.rows import GROUPS, Rows, training_rows, tuning_rows

SUMMARY = ("first", "last", "mean", "lowest", "highest", "deviation", "count", "mean_12")
RIDGES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Of standardised features and a mean log loss; less overfits thousands of rows, more says little but the mean."""
MOST_STEPS = 300
"""Of L-BFGS; with these ridges it stands still after some 100."""

Floats = NDArray[np.float64]


class LogisticRegression:
    """A ridge regression a task, its ridge tuned within the training people; features as networks read them."""

    name = "logistic regression"

    def __init__(self, base: LeMoF) -> None:
        self.encodings, self.widths = base.encodings, base.features.widths
        self.tasks = len(base.task_set.names)
        self.chosen = summary_features(base)
        self.weight = torch.zeros(len(self.chosen), self.tasks, dtype=torch.float64)
        self.bias = torch.zeros(self.tasks, dtype=torch.float64)

    @property
    def parameters(self) -> int:
        return self.weight.numel() + self.bias.numel()

    def fit(self, data: Prepared, duration: Tensor, recipe: Recipe, progress: Progress) -> Answer:  # noqa: ARG002
        rows = training_rows(data, recipe)
        few, held_out = tuning_rows(rows, data.target, recipe.seed), []
        x_few, x = self._standardised(few.x), self._standardised(rows.x)
        for k in range(self.tasks):
            progress(self.name, k / self.tasks)
            ridge, predicted = _tune(x_few, data.target[few.stay, few.step, k], few)
            held_out.append(few.place(predicted, data.target.shape[:2]))
            weight, bias = _fit(x, data.target[rows.stay, rows.step, k], ridge)
            self.weight[:, k], self.bias[k] = weight, bias
        progress(self.name, 1.0)
        return Answer(torch.stack(held_out, -1))

    def predict(self, features: Features) -> Answer:
        x = torch.cat([features.vitals, features.ehr], -1)
        logits = [self._standardised(own.float()) @ self.weight + self.bias for own in x]
        return Answer(torch.stack(logits))

    def _standardised(self, x: Tensor) -> Tensor:
        """Features [R, F] with NaN -> [R, P]: clipped z-scores, the undefined at their mean."""
        parts = torch.split(x, self.widths, -1)
        scores = [encoding(part)[0] for encoding, part in zip(self.encodings, parts, strict=True)]
        return torch.cat(scores, -1)[:, self.chosen].double()


def summary_features(base: LeMoF) -> Tensor:
    """Places [P] of `SUMMARY` of every channel, and of all that is no statistic of a channel."""
    kept, start = [], 0
    for channels, width in zip(all_channels(base.schema), base.features.widths, strict=True):
        for q, name in enumerate(STATISTICS):
            first = start + q * len(channels)
            kept += list(range(first, first + len(channels))) if name in SUMMARY else []
        kept += list(range(start + len(STATISTICS) * len(channels), start + width))
        start += width
    return torch.tensor(kept)


def _tune(x: Tensor, y: Tensor, rows: Rows) -> tuple[float, Tensor]:
    """The ridge of least loss on people held out, and what was predicted of them [R]."""
    known, found = ~y.isnan(), []
    for ridge in RIDGES:
        predicted = torch.full_like(y, torch.nan)
        for group in range(GROUPS):
            left = rows.group == group
            weight, bias = _fit(x[~left], y[~left], ridge)
            predicted[left] = x[left] @ weight + bias
        loss = torch.nn.functional.binary_cross_entropy_with_logits(predicted[known], y[known])
        found.append((loss.item(), ridge, predicted))
    _, ridge, predicted = min(found, key=lambda trial: trial[0])
    return ridge, predicted


def _fit(x: Tensor, y: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
    """Weights [P] and bias of x [R, P] on y [R].

    By L-BFGS: Newton's method, which fits the meta-learners, costs the square of the features, and here are hundreds.
    """
    known = ~y.isnan()
    rows, truth = x[known].numpy(), y[known].numpy()

    def loss(found: Floats) -> tuple[float, Floats]:
        weight, logits = found[:-1], rows @ found[:-1] + found[-1]
        error = (expit(logits) - truth) / len(truth)
        value = np.mean(np.logaddexp(0.0, logits) - truth * logits) + ridge / 2 * weight @ weight
        return float(value), np.append(rows.T @ error + ridge * weight, error.sum())

    found = minimize(
        loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS}
    )
    return torch.from_numpy(found.x[:-1]), torch.tensor(found.x[-1])
