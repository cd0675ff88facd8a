"""What each part of the integrated decision adds: all else is the same, and the decision is fitted without it."""

from copy import deepcopy
from dataclasses import replace
from typing import get_args

import pyarrow as pa

from lemof_stream.model.decision import IntegratedDecision, Parts
from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.experiments.variants import Trained, predictions, scored_stays
from lemof_stream.training.fit import fit_calibrated
from lemof_stream.training.train import training_data


def run(setting: Setting) -> list[Variant]:
    """Everything, then without g, the boosted level and the fused representation in turn."""
    tables: dict[str, list[pa.Table]] = {parts: [] for parts in get_args(Parts)}
    for seed in setting.seeds:
        trained = Trained(training_data(setting.train, seed), setting, seed, setting.part(f"seed {seed}"))
        test = scored_stays(setting.test, trained.levels.model)
        whole = trained.finish(setting.sizes, trained.recipe, setting.part(f"seed {seed}"))
        for parts in get_args(Parts):
            levels = replace(trained.levels, model=_with_parts(whole, parts))
            fitted = fit_calibrated(trained.data, levels, setting.part(f"seed {seed}, {parts}"))
            tables[parts].append(predictions(fitted.model, test))
    return [Variant(parts, own) for parts, own in tables.items()]


def _with_parts(model: LeMoF, parts: Parts) -> LeMoF:
    """A copy whose decision, not fitted yet, integrates these parts."""
    made = deepcopy(model)
    made.sizes = replace(model.sizes, parts=parts)
    made.decision = IntegratedDecision(len(model.metas), len(model.task_set.names), parts)
    return made
