"""Is LeMoF fit for the bedside? Monitored instead of charted, in steps still open, and beyond what it was trained on.

N stays, T steps
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from lemof_stream.cohorts import Cohort
from lemof_stream.model.inputs import StepInputs
from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.augment import SecondView
from lemof_stream.training.dataset import CHUNK, first_steps, step_data
from lemof_stream.training.evaluate import HOURS
from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.experiments.variants import Trained, predictions, scored_stays
from lemof_stream.training.fit import TrainingData
from lemof_stream.training.targets import Targets
from lemof_stream.training.train import training_data

MINUTES_OPEN = (15, 30, 45)
MONITORED_AT_ONCE = 100
"""Stays: of 48 hours with six vital signs a minute, some 2 million values."""


def run_monitored(setting: Setting) -> list[Variant]:
    """The same stays as charted, and with every charted vital sign held and sent every minute."""
    tables: dict[str, list[pa.Table]] = {"as charted": [], "as monitored": []}
    for seed in setting.seeds:
        model = _trained(setting, seed)
        tables["as charted"].append(predictions(model, scored_stays(setting.test, model)))
        tables["as monitored"].append(monitored(model, setting.test))
    return [Variant(name, own) for name, own in tables.items()]


def run_open_steps(setting: Setting) -> list[Variant]:
    """Final predictions, and those some minutes into the same steps."""
    tables: dict[str, list[pa.Table]] = {}
    for seed in setting.seeds:
        model = _trained(setting, seed)
        closed = model.schema.step_minutes
        tables.setdefault("final", []).append(at_hours(model, setting.test, closed))
        for minutes in MINUTES_OPEN:
            own = at_hours(model, setting.test, minutes)
            tables.setdefault(f"{minutes} minutes in", []).append(own)
    return [Variant(name, own) for name, own in tables.items()]


def run_horizon(setting: Setting) -> list[Variant]:
    """The later half of the steps, by a model trained on all of them and by one that never saw a step so late."""
    tables: dict[str, list[pa.Table]] = {"trained on every hour": [], "trained on the first half": []}
    for seed in setting.seeds:
        data = training_data(setting.train, seed)
        test = scored_stays(setting.test, LeMoF(data.schema, data.tasks, setting.sizes))
        half = data.inputs.step.shape[1] // 2
        for name, own in zip(tables, (data, until(data, half)), strict=True):
            log = setting.part(f"seed {seed}, {name}")
            trained = Trained(own, setting, seed, log)
            table = predictions(trained.finish(setting.sizes, trained.recipe, log), test)
            beyond = pc.greater(table["step_end_min"], half * data.schema.step_minutes)
            tables[name].append(table.filter(beyond))
    return [Variant(name, own) for name, own in tables.items()]


def _trained(setting: Setting, seed: int) -> LeMoF:
    log = setting.part(f"seed {seed}")
    trained = Trained(training_data(setting.train, seed), setting, seed, log)
    return trained.finish(setting.sizes, trained.recipe, log)


def until(data: TrainingData, steps: int) -> TrainingData:
    """The first steps only, for a model whose horizon they are."""
    other, known = data.other, data.targets
    return replace(
        data,
        inputs=first_steps(data.inputs, steps),
        other=SecondView(first_steps(other.closed, steps), first_steps(other.now, steps)),
        targets=Targets(known.binary[:, :steps], known.duration[:, :steps]),
        schema=replace(data.schema, horizon_steps=steps),
    )


def monitored(model: LeMoF, cohort: Cohort) -> pa.Table:
    """Predictions where every charted vital sign is held and sent every minute."""
    starts = range(0, len(cohort), MONITORED_AT_ONCE)
    parts = [cohort.take(np.arange(start, min(start + MONITORED_AT_ONCE, len(cohort)))) for start in starts]
    held = (scored_stays(held_every_minute(part, model.schema.vitals), model) for part in parts)
    return pa.concat_tables(predictions(model, data) for data in held)


def held_every_minute(cohort: Cohort, vitals: tuple[str, ...]) -> Cohort:
    """The cohort with each vital sign's last value at every minute until the next one or the recording's end."""
    vital = np.isin(np.array(cohort.channels)[cohort.channel], vitals)
    order = np.lexsort((cohort.minute, cohort.channel, cohort.stay))
    order = order[vital[order]]
    stay, channel, minute = cohort.stay[order], cohort.channel[order], cohort.minute[order]
    follows = np.append((stay[1:] == stay[:-1]) & (channel[1:] == channel[:-1]), False)
    until_ = np.where(follows, np.roll(minute, -1), cohort.recorded_until[stay] + 1)
    times = (until_ - minute).astype(np.int64)
    since = np.arange(int(times.sum())) - np.repeat(times.cumsum() - times, times)
    stay, minute, channel = (
        np.append(np.repeat(stay, times), cohort.stay[~vital]),
        np.append(np.repeat(minute, times) + since, cohort.minute[~vital]).astype(np.int32),
        np.append(np.repeat(channel, times), cohort.channel[~vital]),
    )
    value = np.append(np.repeat(cohort.value[order], times), cohort.value[~vital])
    place = np.lexsort((channel, minute, stay))
    return replace(cohort, stay=stay[place], minute=minute[place], channel=channel[place], value=value[place])


def at_hours(model: LeMoF, cohort: Cohort, minutes: int) -> pa.Table:
    """Predictions `minutes` into the steps that end at HOURS, of the stays that are recorded so long.

    Only a cohort whose values have minutes tells anything: on an hourly grid an open step is empty.
    """
    schema = model.schema
    data = step_data(cohort, schema, most_steps=max(HOURS) * 60 // schema.step_minutes)
    cut = torch.full(data.inputs.step.shape, float(minutes), dtype=torch.float64)
    now = step_data(cohort, schema, cut, data.inputs.step.shape[1]).inputs
    tables = []
    for start in range(0, len(cohort), CHUNK):
        rows = slice(start, start + CHUNK)
        ids, last = np.array(data.stay_ids[rows]), data.last_step[rows]
        found = _provisional(model, data.inputs.rows(rows), now.rows(rows))
        for step, columns in found.items():
            here = (last >= step).numpy()
            table = {
                "stay_id": pa.array(ids[here].tolist(), pa.string()),
                "step_end_min": pa.array(np.full(int(here.sum()), step * schema.step_minutes)),
            }
            table |= {name: pa.array(column.numpy()[here]) for name, column in columns.items()}
            tables.append(pa.table(table))
    return pa.concat_tables(tables).sort_by([("stay_id", "ascending"), ("step_end_min", "ascending")])


@torch.inference_mode()
def _provisional(model: LeMoF, closed: StepInputs, now: StepInputs) -> dict[int, dict[str, Tensor]]:
    """By step, the columns [N] of `now` after a history of closed steps, as the bedside is served."""
    steps = [hour * 60 // model.schema.step_minutes for hour in HOURS]
    steps = [step for step in steps if step <= closed.step.shape[1]]
    state, found = model.eval().initial_state(len(closed.step)), {}
    for t in range(max(steps, default=0)):
        if t + 1 in steps:
            found[t + 1] = model.step(now.at(t), state)[0].columns
        state = model.step(closed.at(t), state)[1]
    return found
