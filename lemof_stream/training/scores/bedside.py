"""Is a model fit for the bedside? The same stays as charted and as monitored, steps still open, hours beyond training.

N stays, T steps, S some of the steps

Rows are compared in pairs: both predictions of a row see the same draws of people.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.model import Predictor
from lemof_stream.model.inputs import StepInputs
from lemof_stream.training.dataset import CHUNK, step_data
from lemof_stream.training.evaluate import HOURS, evaluate
from lemof_stream.training.metrics import (
    Estimate,
    Floats,
    People,
    Score,
    absolute_error,
    auroc,
    calibration_error,
    mean,
    paired,
)
from lemof_stream.training.predict import predict
from lemof_stream.training.scores.rows import Rows, last_rows, rows_of

MINUTES_OPEN = (15, 30, 45)
MONITORED_AT_ONCE = 100
"""Stays: of 48 hours with six vital signs a minute, some 2 million values."""


def monitored(predictor: Predictor, cohort: Cohort) -> dict[str, Any]:
    """Scores as charted, and with every charted vital sign held and sent every minute, by hour and task."""
    starts = range(0, len(cohort), MONITORED_AT_ONCE)
    parts = [cohort.take(np.arange(start, min(start + MONITORED_AT_ONCE, len(cohort)))) for start in starts]
    held = pa.concat_tables(predict(predictor, held_every_minute(p, predictor.schema.vitals)) for p in parts)
    charted, watched = rows_of(predict(predictor, cohort), cohort), rows_of(held, cohort)
    found = {}
    for hour in HOURS:
        rows = last_rows(charted.stay, charted.end, 60 * hour)
        found[str(hour)] = compared(charted.take(rows), watched.take(rows))
    return {"first": "as charted", "second": "as monitored", "hours": found}


def held_every_minute(cohort: Cohort, vitals: tuple[str, ...]) -> Cohort:
    """The cohort with each vital sign's last value at every minute until the next one or the recording's end."""
    vital = np.isin(np.array(cohort.channels)[cohort.channel], vitals)
    order = np.lexsort((cohort.minute, cohort.channel, cohort.stay))
    order = order[vital[order]]
    stay, channel, minute = cohort.stay[order], cohort.channel[order], cohort.minute[order]
    follows = np.append((stay[1:] == stay[:-1]) & (channel[1:] == channel[:-1]), False)
    until = np.where(follows, np.roll(minute, -1), cohort.recorded_until[stay] + 1)
    times = (until - minute).astype(np.int64)
    since = np.arange(int(times.sum())) - np.repeat(times.cumsum() - times, times)
    stay, minute, channel = (
        np.append(np.repeat(stay, times), cohort.stay[~vital]),
        np.append(np.repeat(minute, times) + since, cohort.minute[~vital]).astype(np.int32),
        np.append(np.repeat(channel, times), cohort.channel[~vital]),
    )
    value = np.append(np.repeat(cohort.value[order], times), cohort.value[~vital])
    place = np.lexsort((channel, minute, stay))
    return replace(cohort, stay=stay[place], minute=minute[place], channel=channel[place], value=value[place])


def open_steps(predictor: Predictor, cohort: Cohort) -> dict[str, Any]:
    """Scores of final predictions and of those some minutes into the same step, its history closed.

    Only a cohort whose values have minutes tells anything: on an hourly grid an open step is empty.
    """
    final = _at_steps(predictor, cohort, predictor.schema.step_minutes)
    found: dict[str, Any] = {}
    for minutes in MINUTES_OPEN:
        provisional = _at_steps(predictor, cohort, minutes)
        found[str(minutes)] = {
            str(hour): compared(*(part.take(part.end == 60 * hour) for part in (final, provisional)))
            for hour in HOURS
        }
    return {"first": "final", "second": "provisional", "minutes": found}


def _at_steps(predictor: Predictor, cohort: Cohort, minutes: int) -> Rows:
    """Predictions `minutes` into the steps that end at HOURS, of the stays that are recorded so long."""
    schema = predictor.schema
    data = step_data(cohort, schema, most_steps=max(HOURS) * 60 // schema.step_minutes)
    cut = torch.full(data.inputs.step.shape, float(minutes), dtype=torch.float64)
    now = step_data(cohort, schema, cut, data.inputs.step.shape[1]).inputs
    tables = []
    for start in range(0, len(cohort), CHUNK):
        rows = slice(start, start + CHUNK)
        ids, last = data.stay_ids[rows], data.last_step[rows]
        closed, open_ = data.inputs.rows(rows), now.rows(rows)
        for step, columns in _provisional(predictor, closed, open_).items():
            here = (last >= step).numpy()
            table = {
                "stay_id": pa.array(np.array(ids)[here].tolist(), pa.string()),
                "step_end_min": pa.array(np.full(int(here.sum()), step * schema.step_minutes)),
            }
            tables.append(pa.table(table | {name: column[here] for name, column in columns.items()}))
    return rows_of(pa.concat_tables(tables), cohort)


def _provisional(predictor: Predictor, closed: StepInputs, now: StepInputs) -> dict[int, dict[str, Floats]]:
    """By step, the columns [N] of `now` after a history of closed steps, as the bedside is served."""
    steps = [hour * 60 // predictor.schema.step_minutes for hour in HOURS]
    steps = [step for step in steps if step <= closed.step.shape[1]]
    state, found = predictor.initial_state(len(closed.step)), {}
    for t in range(max(steps, default=0)):
        if t + 1 in steps:
            columns = predictor.step(now.at(t), state)[0].columns
            found[t + 1] = {name: column.numpy() for name, column in columns.items()}
        state = predictor.step(closed.at(t), state)[1]
    return found


def horizon(predictor: Predictor, cohort: Cohort) -> dict[str, Any]:
    """Scores by hours observed, which of them lie beyond the last step that was trained on, and days that have passed.

    `below_passed`: the share of predictions whose expected stay is shorter than the stay already is; 0 by construction.
    """
    table = predict(predictor, cohort)
    hours = predictor.schema.horizon_steps * predictor.schema.step_minutes / 60
    rows = rows_of(table, cohort)
    found: dict[str, Any] = {
        "horizon_hours": hours,
        "beyond_horizon": _share(rows.end > 60 * hours),
        "hours": evaluate(table, cohort, predictor.card.get("threshold"))["hours"],
    }
    if "los_days" in rows.durations:
        found["below_passed"] = _share(rows.durations["los_days"].point < rows.end / 1440 - 1e-9)
    return found


def _share(holds: np.ndarray[Any, np.dtype[np.bool_]]) -> float | None:
    return round(float(holds.mean()), 6) if len(holds) else None


def compared(first: Rows, second: Rows) -> dict[str, Any]:
    """Scores of two predictions of the same rows and the second's minus the first's, by task and duration.

    `predicted`: the mean prediction of the rows whose outcome is known.
    """
    found: dict[str, Any] = {"rows": len(first)}
    for name, task in first.tasks.items():
        pair = task.predicted, second.tasks[name].predicted
        found[name] = {key: _pair(score, task.truth, pair, first.person) for key, score in OF_TASKS.items()}
    for name, own in first.durations.items():
        pair = own.point, second.durations[name].point
        found[name] = {
            key: _pair(score, own.truth, pair, first.person) for key, score in OF_DURATIONS.items()
        }
    return found


def _pair(score: Score, truth: Floats, pair: tuple[Floats, Floats], person: People) -> dict[str, Estimate]:
    (first, _), (second, difference) = paired(score, truth, [own[None] for own in pair], person)
    return {"first": first, "second": second, "difference": difference}


def _mean_predicted(_: Floats, predicted: Floats, weight: Floats) -> Floats:
    return mean(predicted, predicted, weight)


OF_TASKS: dict[str, Score] = {"auroc": auroc, "ece": calibration_error, "predicted": _mean_predicted}
OF_DURATIONS: dict[str, Score] = {"mae": absolute_error, "predicted": _mean_predicted}
