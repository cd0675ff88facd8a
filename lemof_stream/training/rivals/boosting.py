"""LightGBM on every running feature, tuned within the training people: what a user would pick, at its strongest.

N stays, T steps, F features of all modalities, R rows, K tasks

One model a task. Where the tasks are the edges of a duration, a direct regression of its median
(least absolute error) is tuned as well, and whichever errs less on the held-out people answers.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lemof_stream.errors import ConfigError
from lemof_stream.model.features import Features
from lemof_stream.model.tasks import TaskSet
from lemof_stream.training.batches import Prepared
from lemof_stream.training.epochs import Progress
from lemof_stream.training.recipe import Recipe
from lemof_stream.training.rivals.calibrate import calibrate
from lemof_stream.training.rivals.rival import Answer
from lemof_stream.training.rivals.rows import GROUPS, Rows, training_rows, tuning_rows

TRIALS = 4
"""Settings tried a task, the first being what was best by hand on PhysioNet 2012; each costs `GROUPS` fits."""
MOST_ROUNDS, PATIENCE = 1500, 30
"""Boosting ends when the held-out loss has not fallen for `PATIENCE` rounds."""
SEEDS = 3
"""Boosters of the best settings that are averaged: LeMoF averages its members, and part of that gain is averaging."""
FIXED: dict[str, Any] = {
    "max_bin": 63,
    "bagging_freq": 1,
    "num_threads": 1,  # with more, sums and so trees differ from run to run
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,  # one set of bins serves trials that differ in the least rows a leaf
    "verbose": -1,
}
BY_HAND = {
    "num_leaves": 8,
    "learning_rate": 0.025,
    "feature_fraction": 0.12,
    "min_data_in_leaf": 100,
    "bagging_fraction": 0.7,
    "lambda_l2": 1.0,
}


@dataclass(frozen=True)
class Tuned:
    """The best settings, their rounds, and what they predicted of the people held out [R], on the trees' scale."""

    settings: dict[str, Any]
    rounds: int
    held_out: Tensor


class LightGBM:
    """The rival."""

    name = "lightgbm"

    def __init__(self, tasks: TaskSet) -> None:
        self.tasks = tasks
        self.edges: list[list[Any]] = []
        """`SEEDS` boosters a task."""
        self.direct: list[Any] = []
        """Boosters of the duration, where they err less than the edges do."""

    @property
    def parameters(self) -> int:
        """Leaves and thresholds of all trees."""
        boosters = [booster for own in (*self.edges, self.direct) for booster in own]
        return sum(
            2 * tree["num_leaves"] - 1 for booster in boosters for tree in booster.dump_model()["tree_info"]
        )

    def fit(self, data: Prepared, duration: Tensor, recipe: Recipe, progress: Progress) -> Answer:
        """Tune and fit.

        Raises:
            ConfigError: LightGBM or Optuna are not installed.
        """
        rows = training_rows(data, recipe)
        few, names = tuning_rows(rows, data.target, recipe.seed), self.tasks.names
        self.edges, held_out = [], []
        for k, name in enumerate(names):
            progress(f"{self.name} {name}", k / len(names))
            tuned = self._tune(few, data.target[few.stay, few.step, k], "binary", recipe.seed)
            held_out.append(few.place(tuned.held_out, data.target.shape[:2]))
            y = data.target[rows.stay, rows.step, k]
            self.edges.append(_fit(rows, y, tuned))
        answer = Answer(torch.stack(held_out, -1))
        if self.tasks.readout == "remaining":
            progress(f"{self.name} duration", 1.0)
            tuned = self._tune(few, duration[few.stay, few.step], "l1", recipe.seed)
            direct = few.place(tuned.held_out, duration.shape)
            if self.errs_less(direct, answer, data, duration):
                y = duration[rows.stay, rows.step]
                self.direct = _fit(rows, y, tuned)
                answer = replace(answer, duration=direct)
        progress(self.name, 1.0)
        return answer

    def predict(self, features: Features) -> Answer:
        x = torch.cat([features.vitals, features.ehr], -1)
        flat = x.flatten(0, 1).float().numpy()
        logits = torch.stack([_raw(own, flat) for own in self.edges], -1)
        direct = _raw(self.direct, flat).view(x.shape[:2]) if self.direct else None
        return Answer(logits.view(*x.shape[:2], -1), direct)

    def errs_less(self, direct: Tensor, edges: Answer, data: Prepared, duration: Tensor) -> bool:
        """Whether held-out durations [N, T] of the direct regression beat those read out of the edges."""
        hours = torch.zeros_like(duration)
        read = calibrate(self.tasks, edges, data.target, duration, hours).columns(edges, hours)
        known = ~(direct + duration + edges.logits.sum(-1)).isnan()
        own, other = ((p - duration)[known].abs().mean() for p in (direct, read[self.tasks.columns[0]]))
        return bool(own < other)

    def _tune(self, rows: Rows, y: Tensor, objective: str, seed: int) -> Tuned:
        """Search by the loss on people held out."""
        lightgbm, optuna = _libraries()
        known = torch.nonzero(~y.isnan()).flatten()
        x, group = rows.x[known].numpy(), rows.group[known].numpy()
        folds = [(np.flatnonzero(group != g), np.flatnonzero(group == g)) for g in range(GROUPS)]
        dataset = lightgbm.Dataset(x, y[known].numpy(), params=FIXED, free_raw_data=False)
        best: list[tuple[float, Tuned]] = []

        def loss(trial: Any) -> float:
            settings = _suggest(trial) | {"objective": objective, "seed": seed}
            found = lightgbm.cv(
                FIXED | settings,
                dataset,
                MOST_ROUNDS,
                folds=folds,
                callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
                return_cvbooster=True,
            )
            curve = next(values for name, values in found.items() if name.endswith("-mean"))
            if not best or curve[-1] < best[0][0]:
                held_out = torch.full_like(y, torch.nan)
                for booster, (_, left) in zip(found["cvbooster"].boosters, folds, strict=True):
                    predicted = booster.predict(x[left], raw_score=True, num_iteration=len(curve))
                    held_out[known[left]] = torch.from_numpy(predicted)
                best[:] = [(curve[-1], Tuned(settings, len(curve), held_out))]
            return float(curve[-1])

        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        study.enqueue_trial(BY_HAND)
        study.optimize(loss, TRIALS)
        return best[0][1]


def _libraries() -> tuple[Any, Any]:
    try:
        import lightgbm
        import optuna
    except ImportError as missing:
        raise ConfigError(
            f"The rival LightGBM is tuned with Optuna, and {missing.name} is not installed here: "
            "install the package with its training extra, `lemof-stream[training]`."
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return lightgbm, optuna


def _suggest(trial: Any) -> dict[str, Any]:
    return {
        "num_leaves": trial.suggest_int("num_leaves", 4, 32, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.025, 0.1, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.05, 0.3, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 20, 500, log=True),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.4, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.01, 100.0, log=True),
    }


def _fit(rows: Rows, y: Tensor, tuned: Tuned) -> list[Any]:
    """Boosters of all people."""
    lightgbm, _ = _libraries()
    known = ~y.isnan()
    dataset = lightgbm.Dataset(rows.x[known].numpy(), y[known].numpy(), params=FIXED, free_raw_data=False)
    settings, first = FIXED | tuned.settings, tuned.settings["seed"]
    return [lightgbm.train(settings | {"seed": first + i}, dataset, tuned.rounds) for i in range(SEEDS)]


def _raw(boosters: list[Any], x: NDArray[np.float32]) -> Tensor:
    """What they predict on average [R], on the trees' scale."""
    return torch.from_numpy(np.mean([booster.predict(x, raw_score=True) for booster in boosters], axis=0))
