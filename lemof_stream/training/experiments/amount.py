"""How much training data LeMoF needs, and LightGBM beside it."""

import numpy as np
import pyarrow as pa

from lemof_stream.cohorts import Cohort
from lemof_stream.errors import DataError
from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.experiments.variants import Trained, predictions, scored_stays
from lemof_stream.training.rivals.trained import make_unseen, train_rival
from lemof_stream.training.train import training_data

PERCENT = 100, 50, 25, 10, 5
FEWEST = 40
"""Stays of the smallest part: of fewer, some fold or some outcome would have none."""


def run(setting: Setting) -> list[Variant]:
    """All people, then ever fewer, each part holding the smaller ones; then LightGBM on the same.

    Every seed draws others.

    Raises:
        DataError: the smallest part is too small to train on.
    """
    fewest = len(some_people(setting.train, PERCENT[-1], seed=0))
    if fewest < FEWEST:
        raise DataError(
            f"{PERCENT[-1]}% of the people to train on have {fewest} stays, fewer than the {FEWEST} that training "
            f"needs; name more recordings."
        )
    tables: dict[tuple[str, int], list[pa.Table]] = {
        (name, percent): [] for name in ("LeMoF", "LightGBM") for percent in PERCENT
    }
    for seed in setting.seeds:
        for percent in PERCENT:
            log = setting.part(f"seed {seed}, {percent}%")
            data = training_data(some_people(setting.train, percent, seed), seed)
            trained = Trained(data, setting, seed, log)
            model = trained.finish(setting.sizes, trained.recipe, log)
            test = scored_stays(setting.test, model)
            tables["LeMoF", percent].append(predictions(model, test))
            rival = train_rival("lightgbm", trained.ready, trained.recipe, log.progress)
            tables["LightGBM", percent].append(rival.predictions(make_unseen(test, trained.ready)))
    return [Variant(f"{name}, {percent}% of the people", own) for (name, percent), own in tables.items()]


def some_people(cohort: Cohort, percent: int, seed: int) -> Cohort:
    """The stays of so many of a cohort's people, drawn at random."""
    people = np.unique(cohort.person, return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(int(people.max(initial=-1)) + 1)
    return cohort.take(np.flatnonzero(order[people] < len(order) * percent / 100))
