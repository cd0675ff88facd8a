"""Search for a better recipe of a cohort, with Optuna.

A trial trains the networks (stages 1 and 2) on the training stays and is scored by the loss of the members on stays
that they never learnt from: nothing outside the training people is looked at. The boosted level depends on none of
what is searched and is left out. The first trial is the recipe that ships.

    trials.log     every trial; a search that is started again goes on, up to the number of trials asked for
    recipe.toml    the best so far, for `lemof train --recipe`
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.errors import ConfigError
from lemof_stream.model import TASK_SETS, LeMoF
from lemof_stream.training.batches import Prepared
from lemof_stream.training.epochs import Epoch, Log, Progress
from lemof_stream.training.fit import Levels, TrainingData, fit_alone, fit_fused
from lemof_stream.training.prepare import prepare
from lemof_stream.training.recipe import TrainingConfig, as_dict, default_config, to_toml
from lemof_stream.training.targets import check_targets
from lemof_stream.training.train import training_data, training_key

if TYPE_CHECKING:
    import optuna

TRIALS, FOUND = "trials.log", "recipe.toml"
SPACE: dict[str, Callable[["optuna.Trial"], Any]] = {
    "architecture.vitals_width": lambda trial: trial.suggest_int("architecture.vitals_width", 16, 48, step=8),
    "architecture.ehr_width": lambda trial: trial.suggest_int("architecture.ehr_width", 32, 96, step=16),
    "architecture.dropout": lambda trial: trial.suggest_float("architecture.dropout", 0.1, 0.5),
    "recipe.rate": lambda trial: trial.suggest_float("recipe.rate", 5e-4, 8e-3, log=True),
    "recipe.decay": lambda trial: trial.suggest_float("recipe.decay", 0.03, 1.0, log=True),
    "recipe.modality_dropout": lambda trial: trial.suggest_float("recipe.modality_dropout", 0.0, 0.4),
    "recipe.best_levels": lambda trial: trial.suggest_int("recipe.best_levels", 1, 4),
}
"""Around the recipes that ship, wide enough that the best should not lie at an edge."""
UNPRUNED, WARM_UP = 4, 2
"""Trials before any is pruned, and epochs of each: the median of fewer says little."""


def search(
    cohort: Cohort, out: Path, trials: int, progress: Progress, notice: Callable[[str], None]
) -> TrainingConfig:
    """Run trials until `out` holds so many, and return the best configuration; `notice` is told of each trial.

    Raises:
        DataError: the cohort knows too few outcomes to fit anything.
        ConfigError: `out` holds a search on other data.
    """
    import optuna

    check_targets(cohort, TASK_SETS[cohort.name])
    start = default_config(cohort.name)
    study = _study(out, training_key(start, cohort), start)
    data = training_data(cohort, start.recipe.seed)
    ready, scales = _prepared(data, start)

    def objective(trial: optuna.Trial) -> float:
        config = _drawn(start, trial)
        model = _model(data, config)
        model.load_state_dict(scales, strict=False)

        def on_epoch(epoch: Epoch) -> None:
            at = epoch.epoch + (config.recipe.epochs if epoch.stage == "2 fusion" else 0)
            trial.report(epoch.validation_loss, at)
            if trial.should_prune():
                raise optuna.TrialPruned

        log = Log(lambda stage, share: progress(f"trial {trial.number}: {stage}", share), on_epoch=on_epoch)
        levels = Levels(model, ready, torch.zeros_like(ready.target))
        fit_alone(levels, config.recipe, log)
        fit_fused(levels, config.recipe, log)
        return min(epoch.validation_loss for epoch in log.curve if epoch.stage == "2 fusion")

    def after(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        score = "pruned" if trial.value is None else f"loss {trial.value:.4f}"
        notice(f"trial {trial.number}: {score}")
        if trial.value is not None:
            (out / FOUND).write_text(to_toml(_best(start, study)))

    study.optimize(objective, n_trials=max(trials - _finished(study), 0), callbacks=[after])
    return _best(start, study)


def _study(out: Path, key: str, start: TrainingConfig) -> "optuna.Study":
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    out.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(out / TRIALS))),
        study_name="recipe",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED, n_warmup_steps=WARM_UP),
        load_if_exists=True,
    )
    if study.user_attrs.get("key", key) != key:
        raise ConfigError(
            f"{out} holds a search on other data or from another recipe; choose another folder."
        )
    study.set_user_attr("key", key)
    if not study.trials:
        tables = as_dict(start)
        study.enqueue_trial({name: tables[table][key] for name in SPACE for table, key in [name.split(".")]})
    # A search that goes on must not draw again what it drew first.
    study.sampler = optuna.samplers.TPESampler(seed=start.recipe.seed + _finished(study))
    return study


def _finished(study: "optuna.Study") -> int:
    return sum(trial.state.is_finished() for trial in study.trials)


def _prepared(data: TrainingData, start: TrainingConfig) -> tuple[Prepared, dict[str, torch.Tensor]]:
    """The features, and the scales that were fitted to them, which no trial changes."""
    model = _model(data, start)
    ready = prepare(model, data.inputs, data.other, data.targets.binary, data.person, start.recipe.seed)
    own = ("features.", "encodings.")
    return ready, {name: tensor for name, tensor in model.state_dict().items() if name.startswith(own)}


def _model(data: TrainingData, config: TrainingConfig) -> LeMoF:
    torch.manual_seed(config.recipe.seed)
    return LeMoF(data.schema, data.tasks, config.architecture)


def _drawn(start: TrainingConfig, trial: "optuna.Trial") -> TrainingConfig:
    return _with(start, {name: draw(trial) for name, draw in SPACE.items()})


def _best(start: TrainingConfig, study: "optuna.Study") -> TrainingConfig:
    return _with(start, study.best_params)


def _with(start: TrainingConfig, found: dict[str, Any]) -> TrainingConfig:
    changes: dict[str, dict[str, Any]] = {"architecture": {}, "recipe": {}}
    for name, value in found.items():
        table, key = name.split(".")
        changes[table][key] = value
    return TrainingConfig(
        architecture=replace(start.architecture, **changes["architecture"]),
        recipe=replace(start.recipe, **changes["recipe"]),
    )
