"""A recorded cohort as the model sees it: step summaries and the last step that holds data.

N stays, T steps, C channels, S demographics
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lemof_stream.cohorts import Cohort
from lemof_stream.model.inputs import StepInputs
from lemof_stream.model.schema import InputSchema, static_row
from lemof_stream.model.summary import StepBins

CHUNK = 500
"""Stays that are run at once where a whole cohort passes through the model: bounds memory at some 300 MB."""


@dataclass(frozen=True)
class StepData:
    """inputs [N, T, ...]; last_step [N], at least 1, as admission is data of the first step."""

    stay_ids: tuple[str, ...]
    inputs: StepInputs
    last_step: Tensor

    def take(self, rows: list[int]) -> "StepData":
        """Some of the stays, in this order."""
        index = torch.tensor(rows, dtype=torch.long)
        return StepData(
            tuple(self.stay_ids[row] for row in rows), self.inputs.rows(index), self.last_step[index]
        )

    def chunks(self) -> Iterator["StepData"]:
        """The stays in groups of at most `CHUNK`, each as long as its longest stay."""
        for start in range(0, max(len(self.stay_ids), 1), CHUNK):
            rows = slice(start, start + CHUNK)
            last = self.last_step[rows]
            steps = int(last.max()) if len(last) else 1
            part = self.inputs.rows(rows)
            yield StepData(self.stay_ids[rows], first_steps(part, steps), last)


def first_steps(inputs: StepInputs, steps: int) -> StepInputs:
    """The first `steps` steps of whole stays."""
    return StepInputs(
        inputs.median[:, :steps],
        inputs.last[:, :steps],
        inputs.static[:, :steps],
        inputs.step[:, :steps],
        inputs.minutes_open[:, :steps],
    )


def step_data(
    cohort: Cohort, schema: InputSchema, minutes_open: Tensor | None = None, most_steps: int | None = None
) -> StepData:
    """Summarise every step of every stay with the code that serves the bedside.

    `minutes_open` [N, T]: cut every step off after so many of its minutes; None takes whole steps.
    `most_steps`: take no step after this one in; None takes all.
    """
    stays, length = len(cohort), schema.step_minutes
    step_of = np.maximum(-(-cohort.minute.astype(np.int64) // length), 1)
    last_step = np.maximum(-(-cohort.recorded_until.astype(np.int64) // length), 1)
    steps = int(last_step.max(initial=1))
    if most_steps is not None:
        steps = min(steps, most_steps)
    last_step = np.minimum(last_step, steps)
    place = {name: index for index, name in enumerate(schema.channels)}
    channel = np.array([place.get(name, -1) for name in cohort.channels], dtype=np.intp)[cohort.channel]
    median = np.full((stays, steps, len(schema.channels)), np.nan)
    last = median.copy()
    if minutes_open is None:
        minutes_open = torch.full((stays, steps), float(length), dtype=torch.float64)
    bins, rows = StepBins(stays, len(schema.channels), length), np.arange(stays)
    order = np.argsort(step_of, kind="stable")
    bounds = np.searchsorted(step_of[order], np.arange(1, steps + 2))
    for t in range(steps):
        taken = order[bounds[t] : bounds[t + 1]]
        minutes = (cohort.minute[taken] - t * length).astype(np.float64)
        kept = (channel[taken] >= 0) & (minutes <= minutes_open[:, t].numpy()[cohort.stay[taken]])
        taken, minutes = taken[kept], minutes[kept]
        bins.add(cohort.stay[taken].astype(np.intp), channel[taken], minutes, cohort.value[taken])
        median[:, t], last[:, t] = bins.summary(rows)
        bins.clear(rows)
    static = torch.tensor([static_row(d, schema.static) for d in cohort.demographics], dtype=torch.float64)
    inputs = StepInputs(
        median=torch.from_numpy(median),
        last=torch.from_numpy(last),
        static=static.view(stays, 1, -1).expand(-1, steps, -1),
        step=torch.arange(1, steps + 1).expand(stays, -1),
        minutes_open=minutes_open,
    )
    return StepData(cohort.stay_ids, inputs, torch.from_numpy(last_step))
