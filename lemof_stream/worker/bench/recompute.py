"""The engine's job written the plain way: keep a bed's windows, and compute all kept steps again for each new one.

T kept steps, C channels
"""

import json
from datetime import datetime
from typing import Any

import numpy as np
import torch

from lemof_stream.model import load_checkpoint
from lemof_stream.model.inputs import StepInputs
from lemof_stream.model.predictor import Predictor
from lemof_stream.model.summary import StepBins
from lemof_stream.runner.grid import place

Kept = list[list[Any]]
"""What is kept of a bed, as JSON can hold it: step, minutes into it, channels, of each window."""


class Recompute:
    """What a rival calls for each window."""

    def __init__(self, predictor: Predictor | None = None) -> None:
        torch.set_num_threads(1)
        self._predictor = predictor or load_checkpoint()
        self._schema = self._predictor.schema
        self._channels = {name: index for index, name in enumerate(self._schema.channels)}

    def take(self, window: dict[str, Any], kept: Kept) -> dict[str, Any]:
        """The prediction after a window, which joins `kept`; what leaves the sliding window leaves `kept` too."""
        admitted_at, end = (datetime.fromisoformat(window[name]) for name in ("admitted_at", "end"))
        newest, minutes = place(admitted_at, end, self._schema.step_minutes)
        kept.append([newest, minutes, window["channels"]])
        first = max(newest - self._schema.kept_steps, 0) + 1
        kept[:] = [entry for entry in kept if entry[0] >= first]
        output = self._predictor.forward(self._inputs(kept, first, newest, minutes))
        return {
            "stay_id": window["stay_id"],
            "step": newest,
            "event_time": window["end"],
            "predictions": {name: column[0, -1].item() for name, column in output.columns.items()},
            "modality": output.modality_share[0, -1].tolist(),
            "level": output.level_share[0, -1].tolist(),
        }

    def _inputs(self, kept: Kept, first: int, newest: int, minutes: float) -> StepInputs:
        """Step inputs [1, T] of the kept steps."""
        steps = newest - first + 1
        bins = StepBins(steps, len(self._channels), self._schema.step_minutes)
        values = [
            (step - first, self._channels[name], minute, value)
            for step, minute, channels in kept
            for name, value in channels.items()
        ]
        bins.add(*(np.array(column) for column in zip(*values, strict=True)))
        median, last = bins.summary(np.arange(steps))
        opened = torch.full((1, steps), float(self._schema.step_minutes))
        opened[0, -1] = minutes
        return StepInputs(
            median=torch.from_numpy(median).float().unsqueeze(0),
            last=torch.from_numpy(last).float().unsqueeze(0),
            static=torch.full((1, steps, len(self._schema.static)), torch.nan),
            step=torch.arange(first, newest + 1).unsqueeze(0),
            minutes_open=opened,
        )


def parse(value: bytes) -> dict[str, Any]:
    """A window as a dictionary, unchecked."""
    window: dict[str, Any] = json.loads(value)
    return window
