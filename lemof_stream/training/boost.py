"""Fitting the boosted level with XGBoost, and its out-of-fold logits.

N stays, T steps, F features of all modalities, K tasks, R rows

A tree's leaf holds a value for each task, and each tree sees few of the features: on PhysioNet 2012 trees of single
tasks, and trees that see all features but few at a split, predict early hours and short stays clearly worse.
"""

import json
from collections.abc import Callable
from importlib.metadata import packages_distributions, version
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lemof_stream.errors import ConfigError
from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.batches import Prepared
from lemof_stream.training.epochs import Progress
from lemof_stream.training.out_of_fold import held_out_stays
from lemof_stream.training.recipe import Recipe

BOOSTED = "1 boosted level"
"""The stage's name."""
GROUPS = 3
"""Of held-out stays: trees fitted without a group predict it. More groups cost a fit each and change little."""
FEWEST_STEPS = 2
"""Steps of a stay that are learnt from, at least, however many stays there are."""
BINS = 64
SETTINGS: dict[str, Any] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "multi_strategy": "multi_output_tree",
    "max_bin": BINS,
    "colsample_bytree": 0.12,  # many features say nearly the same, and trees that see few differ more
    "nthread": 1,  # with more, sums and so trees differ from run to run
}


def xgboost_version() -> str:
    """The version of XGBoost, whose packages with and without CUDA have different names.

    Raises:
        ConfigError: it is not installed.
    """
    packages = packages_distributions().get("xgboost")
    if not packages:
        raise ConfigError(
            "Training fits its boosted level with XGBoost, which is not installed here: "
            "install the package with its training extra, `lemof-stream[training]`."
        )
    return version(packages[0])


def fit_boosted(model: LeMoF, data: Prepared, recipe: Recipe, progress: Progress) -> Tensor:
    """Fit `model.boosted` on all stays; returns logits [N, T, K] of the held-out stays, NaN elsewhere."""
    stay, step, view = draw_rows(data, recipe)
    x = features_at(data, view, stay, step)
    y = data.target[stay, step]
    known = ~y.isnan().any(1)  # all tasks are fitted together
    x, y, fold = x[known], y[known], data.fold[stay][known]
    logits = torch.full(data.target.shape, torch.nan, dtype=torch.float64)
    held_out = held_out_stays(data)
    for group in range(GROUPS):
        learns = (fold % GROUPS != group) | (fold >= data.members)
        trees = _fit(x[learns], y[learns], model, recipe, _part(progress, group))
        for some in torch.split(held_out[data.fold[held_out] % GROUPS == group], 256):
            logits[some] = _predict(trees, data, some)
    _export(_fit(x, y, model, recipe, _part(progress, GROUPS)), model)
    return logits


def _part(progress: Progress, fit: int) -> Callable[[float], None]:
    """Progress within one of the fits."""
    return lambda share: progress(BOOSTED, (fit + share) / (GROUPS + 1))


def draw_rows(data: Prepared, recipe: Recipe) -> tuple[Tensor, Tensor, Tensor]:
    """Rows to learn from, most as charted: of every stay the same share of its known steps, as scores count steps; of a
    steady target always the last.
    """
    random = torch.Generator().manual_seed(recipe.seed)
    known = data.known()
    stays, steps = known.shape
    count = known.sum(1)
    wanted = (count * recipe.boosted_rows / count.sum()).ceil().clamp(min=FEWEST_STEPS)
    noise = torch.rand(stays, steps, generator=random)
    if data.steady:
        noise[torch.arange(stays), data.last_known()] = 2.0
    rank = noise.masked_fill(~known, -1.0).argsort(1, descending=True).argsort(1)
    stay, step = torch.nonzero((rank < wanted.unsqueeze(1)) & known, as_tuple=True)
    view = (torch.rand(len(stay), generator=random) < recipe.second_view).long()
    return stay, step, view


def features_at(data: Prepared, view: Tensor, stay: Tensor, step: Tensor) -> Tensor:
    return torch.cat([data.vitals[view, stay, step], data.ehr[view, stay, step]], 1).float()


def _fit(x: Tensor, y: Tensor, model: LeMoF, recipe: Recipe, report: Callable[[float], None]) -> Any:
    import xgboost

    class Report(xgboost.callback.TrainingCallback):
        def after_iteration(self, model_: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
            report(epoch / model.sizes.trees)
            return False

    settings = {
        "max_depth": model.sizes.tree_depth,
        "eta": recipe.boosted_rate,
        "subsample": recipe.boosted_share,
        "min_child_weight": recipe.boosted_leaf,
        "lambda": recipe.boosted_ridge,
        "seed": recipe.seed,
    }
    return xgboost.train(
        SETTINGS | settings,
        xgboost.QuantileDMatrix(x.numpy(), y.numpy(), max_bin=BINS, nthread=1),
        model.sizes.trees,
        callbacks=[Report()],
    )


def _predict(trees: Any, data: Prepared, stays: Tensor) -> Tensor:
    """Logits of every step as charted: [n, T, K]."""
    steps = data.target.shape[1]
    stay, step = stays.repeat_interleave(steps), torch.arange(steps).repeat(len(stays))
    x = features_at(data, torch.zeros_like(stay), stay, step)
    raw = trees.inplace_predict(x.numpy(), predict_type="margin")
    return torch.from_numpy(np.asarray(raw, dtype=np.float64)).view(len(stays), steps, data.target.shape[2])


def _export(trees: Any, model: LeMoF) -> None:
    """XGBoost's trees as the tensors of the level."""
    level, learner = model.boosted, json.loads(trees.save_raw("json"))["learner"]
    features = sum(model.features.widths)
    gain = torch.zeros(features)
    for n, tree in enumerate(learner["gradient_booster"]["model"]["trees"]):
        whole = _Whole(tree, model.sizes.tree_depth, level.leaf.shape[1], features)
        level.feature[:, n], level.threshold[:, n] = whole.feature, whole.threshold
        level.leaf.view(model.sizes.trees, -1, level.leaf.shape[1])[n] = whole.leaf
        split = torch.tensor(tree["left_children"]) >= 0
        asked, gained = torch.tensor(tree["split_indices"]), torch.tensor(tree["loss_changes"])
        gain.index_add_(0, asked[split], gained[split])
    start = torch.tensor(json.loads(learner["learner_model_param"]["base_score"]))
    level.bias.copy_(start.logit())
    parts = torch.stack([part.sum() for part in torch.split(gain, model.features.widths)])
    level.share.copy_(parts / parts.sum().clamp(min=1e-12))


class _Whole:
    """One of XGBoost's trees as a whole binary tree, see `BoostedLevel`."""

    def __init__(self, tree: dict[str, Any], depth: int, tasks: int, features: int) -> None:
        self.tree, self.depth, self.features = tree, depth, features
        # A tree of one task holds its leaves' weights where others hold thresholds.
        self.weights = torch.tensor(tree.get("leaf_weights", tree["split_conditions"])).view(-1, tasks)
        self.weight_at = tree["right_children"] if "leaf_weights" in tree else range(len(self.weights))
        nodes = (1 << depth) - 1
        self.feature = torch.zeros(nodes, dtype=torch.int32)
        self.threshold = torch.full((nodes,), torch.inf)  # what was not split asks what is never true
        self.leaf = torch.zeros(1 << depth, tasks)
        self._place(0, 0, 0)

    def _place(self, node: int, at: int, depth: int) -> None:
        """Put XGBoost's `node` at place `at`, and all below it."""
        left, right = (self.tree[side][node] for side in ("left_children", "right_children"))
        if left < 0:
            first = (at + 1 - (1 << depth)) << (self.depth - depth)
            self.leaf[first] = self.weights[self.weight_at[node]]
            return
        feature, value = self.tree["split_indices"][node], torch.tensor(self.tree["split_conditions"][node])
        if self.tree["default_left"][node]:  # is it at least the value? Unknown: no
            self.feature[at] = feature
            self.threshold[at] = torch.nextafter(value, torch.tensor(-torch.inf))
            no, yes = left, right
        else:  # is it below the value? Unknown: no
            self.feature[at] = feature + self.features
            self.threshold[at] = -value
            no, yes = right, left
        self._place(no, 2 * at + 1, depth + 1)
        self._place(yes, 2 * at + 2, depth + 1)
