"""LeMoF as it ships, and what a hospital would use instead: LightGBM, tuned on the same people."""

import pyarrow as pa

from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.experiments.variants import Trained, predictions, scored_stays
from lemof_stream.training.rivals.trained import make_unseen, train_rival
from lemof_stream.training.train import training_data


def run(setting: Setting) -> list[Variant]:
    """LightGBM first, so that the differences are what LeMoF gains."""
    tables: dict[str, list[pa.Table]] = {"LightGBM": [], "LeMoF": []}
    for seed in setting.seeds:
        log = setting.part(f"seed {seed}")
        trained = Trained(training_data(setting.train, seed), setting, seed, log)
        test = scored_stays(setting.test, trained.levels.model)
        rival = train_rival("lightgbm", trained.ready, trained.recipe, log.progress)
        tables["LightGBM"].append(rival.predictions(make_unseen(test, trained.ready)))
        tables["LeMoF"].append(predictions(trained.finish(setting.sizes, trained.recipe, log), test))
    return [Variant(name, own) for name, own in tables.items()]
