"""LightGBM on every running feature, tuned within the training people: what a user would pick, at its strongest.

N stays, T steps, F features of all modalities, R rows, K tasks

One model a task, averaged over seeds. Where the tasks are the edges of a duration, a direct regression of its median
(least absolute error) is tuned as well, and whichever errs less on the held-out people answers.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lemof_stream.errors import ConfigError
from lemof_stream.model.features import Features
from lemof_stream.model.tasks import TaskSet
from lemof_stream.training.boost import draw_rows, features_at
from lemof_stream.training.rivals.calibrate import calibrate
from lemof_stream.training.rivals.rival import Answer
from lemof_stream.training.stages import Prepared, Progress, Recipe

TRIALS = 12
"""Settings tried a task, the first being what was best by hand on PhysioNet 2012."""
TUNING_ROWS = 12_000
"""Some three steps a stay of PhysioNet 2012: neighbouring steps say nearly the same, and settings need no more."""
GROUPS = 3
"""Of people, each held out once in a trial."""
SEEDS = 3
"""Averaged in the end, as networks are averaged too."""
MOST_ROUNDS, PATIENCE = 1500, 50
"""Boosting ends when the held-out loss has not fallen for `PATIENCE` rounds."""
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

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Tuned:
    """The best settings, their rounds, and what they predicted of the people held out [R], on the scale of trees."""

    settings: dict[str, Any]
    rounds: int
    held_out: Floats


@dataclass(frozen=True)
class Rows:
    """x [R, F], where they are from: stay, step, view [R], and their group of people [R]."""

    x: Floats
    stay: Tensor
    step: Tensor
    view: Tensor
    group: NDArray[np.int64]

    def take(self, rows: Tensor) -> "Rows":
        """Some of the rows."""
        index = rows.numpy()
        return Rows(self.x[index], self.stay[rows], self.step[rows], self.view[rows], self.group[index])


class LightGBM:
    """The rival."""

    name = "lightgbm"

    def __init__(self, tasks: TaskSet, trials: int = TRIALS) -> None:
        self.tasks, self.trials = tasks, trials
        self.edges: list[list[Any]] = []
        """By task: a booster a seed."""
        self.direct: list[Any] = []
        """Of the duration: a booster a seed, where it errs less than the edges do."""

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
        rows = _rows(data, recipe)
        some = _some(len(rows.stay), recipe.seed)
        few, count = rows.take(some), len(self.tasks.names) + (self.tasks.readout == "remaining")
        logits, self.edges = torch.full(data.target.shape, torch.nan, dtype=torch.float64), []
        for k in range(len(self.tasks.names)):
            progress(f"{self.name} {self.tasks.names[k]}", k / count)
            y = data.target[rows.stay, rows.step, k].numpy()
            tuned = self._tune(few, y[some.numpy()], "binary", recipe.seed)
            _place(logits[..., k], few, tuned.held_out)
            self.edges.append(_fit_seeds(rows.x, y, tuned, "binary", recipe.seed))
        found: Tensor | None = None
        if self.tasks.readout == "remaining":
            progress(f"{self.name} duration", (count - 1) / count)
            found = self._fit_direct(data, duration, Answer(logits), (rows, few, some), recipe.seed)
        progress(self.name, 1.0)
        return Answer(logits, found)

    def predict(self, features: Features) -> Answer:
        x = torch.cat([features.vitals, features.ehr], -1)
        flat = x.flatten(0, 1).float().numpy()
        logits = torch.stack([_average(own, flat) for own in self.edges], -1)
        direct = _average(self.direct, flat).view(x.shape[:2]) if self.direct else None
        return Answer(logits.view(*x.shape[:2], -1), direct)

    def _fit_direct(
        self, data: Prepared, duration: Tensor, edges: Answer, drawn: tuple[Rows, Rows, Tensor], seed: int
    ) -> Tensor | None:
        """Held-out durations [N, T] of the direct regression if it beats the edges' readout there, else None."""
        rows, few, some = drawn
        y = duration[rows.stay, rows.step].numpy()
        tuned = self._tune(few, y[some.numpy()], "l1", seed)
        found = torch.full(duration.shape, torch.nan, dtype=torch.float64)
        _place(found, few, tuned.held_out)
        hours = torch.zeros_like(duration)
        read = calibrate(self.tasks, edges, data.target, duration, hours).columns(edges, hours)
        known = ~(found + duration + edges.logits.sum(-1)).isnan()
        errors = [(p - duration)[known].abs().mean() for p in (found, read[self.tasks.columns[0]])]
        if errors[0] >= errors[1]:
            return None
        self.direct = _fit_seeds(rows.x, y, tuned, "l1", seed)
        return found

    def _tune(self, rows: Rows, y: Floats, objective: str, seed: int) -> Tuned:
        """Search by the loss on people held out."""
        lightgbm, optuna = _libraries()
        known = ~np.isnan(y)
        group = rows.group[known]
        folds = [(np.flatnonzero(group != g), np.flatnonzero(group == g)) for g in range(GROUPS)]
        dataset = lightgbm.Dataset(rows.x[known], y[known], params=FIXED, free_raw_data=False)
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
                held_out = np.full(len(y), np.nan)
                for booster, (_, left) in zip(found["cvbooster"].boosters, folds, strict=True):
                    rows_left = np.flatnonzero(known)[left]
                    held_out[rows_left] = booster.predict(
                        rows.x[rows_left], raw_score=True, num_iteration=len(curve)
                    )
                best[:] = [(curve[-1], Tuned(settings, len(curve), held_out))]
            return float(curve[-1])

        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        study.enqueue_trial(BY_HAND)
        study.optimize(loss, self.trials)
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
        "num_leaves": trial.suggest_int("num_leaves", 4, 48, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.1, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.04, 0.5, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 20, 500, log=True),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.4, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.01, 100.0, log=True),
    }


def _rows(data: Prepared, recipe: Recipe) -> Rows:
    """The rows that LeMoF's boosted level learns from."""
    stay, step, view = draw_rows(data, recipe)
    group = (data.fold[stay] % GROUPS).numpy()
    return Rows(features_at(data, view, stay, step).numpy(), stay, step, view, group)


def _some(rows: int, seed: int) -> Tensor:
    """Rows to tune on, in their order."""
    drawn = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))[:TUNING_ROWS]
    return drawn.sort().values


def _place(found: Tensor, rows: Rows, held_out: Floats) -> None:
    """Held-out predictions [R] of steps as charted into [N, T]."""
    charted = rows.view == 0
    found[rows.stay[charted], rows.step[charted]] = torch.from_numpy(held_out).double()[charted]


def _fit_seeds(x: Floats, y: Floats, tuned: Tuned, objective: str, seed: int) -> list[Any]:
    """On all people: a booster a seed."""
    lightgbm, _ = _libraries()
    known = ~np.isnan(y)
    dataset = lightgbm.Dataset(x[known], y[known], params=FIXED)
    settings = FIXED | tuned.settings | {"objective": objective}
    return [
        lightgbm.train(settings | {"seed": seed * SEEDS + s}, dataset, tuned.rounds) for s in range(SEEDS)
    ]


def _average(boosters: list[Any], x: Floats) -> Tensor:
    """The mean over seeds [R], on the scale of the trees."""
    return torch.from_numpy(np.mean([booster.predict(x, raw_score=True) for booster in boosters], 0))
