"""LeMoF with and without its trees, other fusions, logistic regression and LightGBM, on equal terms."""

from dataclasses import replace

import pyarrow as pa

from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.experiments.variants import scored_stays
from lemof_stream.training.metrics import Estimate
from lemof_stream.training.rivals.catalogue import RIVALS
from lemof_stream.training.rivals.trained import make_ready, make_unseen, train_rival
from lemof_stream.training.train import training_data

PARAMETERS = "trained numbers"


def run(setting: Setting) -> list[Variant]:
    """Every rival, LeMoF first, and how many numbers each trains."""
    tables: dict[str, list[pa.Table]] = {name: [] for name in RIVALS}
    parameters = {}
    for seed in setting.seeds:
        ready = make_ready(training_data(setting.train, seed), setting.sizes, seed)
        unseen = make_unseen(scored_stays(setting.test, ready.model), ready)
        recipe = replace(setting.recipe, seed=seed)
        for name in RIVALS:
            trained = train_rival(name, ready, recipe, setting.part(f"seed {seed}, {name}").progress)
            tables[name].append(trained.predictions(unseen))
            parameters[name] = float(trained.rival.parameters)
    return [
        Variant(name, own, {PARAMETERS: Estimate(value=parameters[name], low=None, high=None)})
        for name, own in tables.items()
    ]
