"""Variants of LeMoF that share what is trained before they part ways."""

from copy import deepcopy
from dataclasses import replace

import pyarrow as pa
import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.model.lemof import Architecture, LeMoF
from lemof_stream.training.dataset import StepData, step_data
from lemof_stream.training.epochs import Log
from lemof_stream.training.experiments.setting import Setting
from lemof_stream.training.fit import Levels, TrainingData, fit_integration, fit_levels
from lemof_stream.training.predict import as_table
from lemof_stream.training.recipe import Recipe
from lemof_stream.training.rivals.trained import Ready
from lemof_stream.training.train import training_data


class Trained:
    """One seed's training data and first stage; `finish` trains variants from there, each on a copy."""

    def __init__(self, data: TrainingData, setting: Setting, seed: int, log: Log) -> None:
        self.recipe, self.data = replace(setting.recipe, seed=seed), data
        self.levels: Levels = fit_levels(data, setting.sizes, self.recipe, log)

    @property
    def ready(self) -> Ready:
        """The same for rivals."""
        return Ready(self.levels.model, self.data, self.levels.ready)

    def finish(self, sizes: Architecture, recipe: Recipe, log: Log) -> LeMoF:
        """Stages 2 and 3 of a variant that differs in nothing before them."""
        torch.manual_seed(recipe.seed)  # every variant starts from the same draws
        levels = replace(self.levels, model=rebuilt(self.levels.model, sizes))
        return fit_integration(self.data, levels, recipe, log).model


def rebuilt(model: LeMoF, sizes: Architecture) -> LeMoF:
    """A copy of a model whose first stage is fitted, its fusion and decision new, as `sizes` has them."""
    if sizes == model.sizes:
        return deepcopy(model)
    made = LeMoF(model.schema, model.task_set, sizes)
    first = {
        name: tensor.clone()
        for name, tensor in model.state_dict().items()
        if not name.startswith(("fusion.", "decision."))
    }
    made.load_state_dict(first, strict=False)
    return made


def scored_stays(cohort: Cohort, model: LeMoF) -> StepData:
    """A cohort's steps up to the model's horizon."""
    return step_data(cohort, model.schema, most_steps=model.schema.horizon_steps)


@torch.inference_mode()
def predictions(model: LeMoF, data: StepData) -> pa.Table:
    """Predictions of every step, as `predict` makes them."""
    minutes = model.schema.step_minutes
    parts = [as_table(part, model.eval()(part.inputs).columns, minutes) for part in data.chunks()]
    return pa.concat_tables(parts)


def compare_finished(
    setting: Setting, variants: dict[str, tuple[Architecture, Recipe]]
) -> dict[str, list[pa.Table]]:
    """Predictions, a table a seed, of variants that part ways after the first stage."""
    tables: dict[str, list[pa.Table]] = {name: [] for name in variants}
    for seed in setting.seeds:
        trained = Trained(training_data(setting.train, seed), setting, seed, setting.part(f"seed {seed}"))
        test = scored_stays(setting.test, trained.levels.model)
        for name, (sizes, recipe) in variants.items():
            progress = setting.part(f"seed {seed}, {name}")
            model = trained.finish(sizes, replace(recipe, seed=seed), progress)
            tables[name].append(predictions(model, test))
    return tables
