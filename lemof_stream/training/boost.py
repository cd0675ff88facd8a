"""Fitting the boosted level with CatBoost, and its out-of-fold logits.

N stays, T steps, F features of all modalities, K tasks, R rows
"""

import json
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
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
FEWEST_STEPS = 4
"""Steps of a stay that are learnt from, at least, however many stays there are."""
SETTINGS: dict[str, Any] = {
    "rsm": 0.12,  # of the features a split: many say nearly the same, and trees that see few differ more
    "bootstrap_type": "Bernoulli",
    "subsample": 0.5,
    "l2_leaf_reg": 5.0,
    "border_count": 64,
    "thread_count": 1,  # with more, sums and so trees differ from run to run
    "allow_writing_files": False,
    "verbose": False,
}


def catboost_version() -> str:
    """The version of CatBoost.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return version("catboost")
    except PackageNotFoundError:
        raise ConfigError(
            "Training fits its boosted level with CatBoost, which is not installed here: "
            "install the package with its training extra, `lemof-stream[training]`."
        ) from None


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
    """Rows to learn from: as many known steps of every stay, always the last, most as charted."""
    random = torch.Generator().manual_seed(recipe.seed)
    known = data.known()
    stays, steps = known.shape
    each = min(max(recipe.boosted_rows // stays, FEWEST_STEPS), steps)
    noise = torch.rand(stays, steps, generator=random)
    noise[torch.arange(stays), data.last_known()] = 2.0
    step = noise.masked_fill(~known, -1.0).topk(each, 1).indices
    stay = torch.arange(stays).unsqueeze(1).expand(-1, each)
    drawn = known.gather(1, step).flatten()
    view = (torch.rand(stays * each, generator=random) < recipe.second_view).long()
    return stay.flatten()[drawn], step.flatten()[drawn], view[drawn]


def features_at(data: Prepared, view: Tensor, stay: Tensor, step: Tensor) -> Tensor:
    return torch.cat([data.vitals[view, stay, step], data.ehr[view, stay, step]], 1).float()


def _fit(x: Tensor, y: Tensor, model: LeMoF, recipe: Recipe, report: Callable[[float], None]) -> Any:
    from catboost import CatBoostClassifier

    class Report:
        def after_iteration(self, info: Any) -> bool:
            report(info.iteration / model.sizes.trees)
            return True

    single = y.shape[1] == 1
    trees = CatBoostClassifier(
        loss_function="Logloss" if single else "MultiLogloss",
        iterations=model.sizes.trees,
        depth=model.sizes.tree_depth,
        learning_rate=recipe.boosted_rate,
        random_seed=recipe.seed,
        **SETTINGS,
    )
    return trees.fit(x.numpy(), y.numpy().astype(np.int8).squeeze(1 if single else ()), callbacks=[Report()])


def _predict(trees: Any, data: Prepared, stays: Tensor) -> Tensor:
    """Logits of every step as charted: [n, T, K]."""
    steps = data.target.shape[1]
    stay, step = stays.repeat_interleave(steps), torch.arange(steps).repeat(len(stays))
    x = features_at(data, torch.zeros_like(stay), stay, step)
    raw = trees.predict(x.numpy(), prediction_type="RawFormulaVal")
    return torch.from_numpy(np.asarray(raw, dtype=np.float64)).view(len(stays), steps, data.target.shape[2])


def _export(trees: Any, model: LeMoF) -> None:
    """CatBoost's trees as the tensors of the level."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trees.json"
        trees.save_model(str(file), format="json")
        saved = json.loads(file.read_text())
    level, tasks = model.boosted, model.boosted.leaf.shape[1]
    place = [feature["flat_feature_index"] for feature in saved["features_info"]["float_features"]]
    scale, bias = saved["scale_and_bias"]
    for n, tree in enumerate(saved["oblivious_trees"]):
        splits = tree["splits"] or []  # none: nothing was worth a question
        size = 1 << len(splits)
        for bit, split in enumerate(splits):
            level.feature[bit, n] = place[split["float_feature_index"]]
            level.threshold[bit, n] = split["border"]
        leaf = torch.tensor(tree["leaf_values"]).view(size, tasks) * scale
        first = n << model.sizes.tree_depth
        level.leaf[first : first + size] = leaf
        level.threshold[len(splits) :, n] = torch.inf  # a shallower tree asks what is never true
    level.bias.copy_(torch.as_tensor(bias, dtype=torch.float32).view(-1))
    gain = torch.from_numpy(trees.get_feature_importance())
    widths = model.features.widths
    parts = torch.stack([part.sum() for part in torch.split(gain, widths)])
    level.share.copy_(parts / parts.sum().clamp(min=1e-12))
