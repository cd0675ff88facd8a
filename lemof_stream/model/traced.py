"""A model's step as it is served: one call outside the interpreter for any number of rows, the same to the last bit.

B rows
"""

from dataclasses import fields

import torch
from torch import Tensor

from lemof_stream.model.inputs import State, StepInputs, StepOutput
from lemof_stream.model.lemof import LeMoF
from lemof_stream.model.torchscript import traced

FIELDS = tuple(field.name for field in fields(StepInputs))
SHARES = ("modality_share", "level_share", "stability_share")
ROWS = 3
"""Of the example that is recorded: any number will do."""


class TracedStep:
    """`step` and `after` of a model whose weights no longer change, recorded when this is made.

    Any number of threads may call them, in inference mode.
    """

    def __init__(self, model: LeMoF) -> None:
        self._model = model
        self._columns = model.task_set.columns
        self._state = tuple(model.initial_state(0))
        example = self._flat(_example(model), model.initial_state(ROWS))
        with torch.inference_mode():
            self._step = traced(self._flat_step, example)
            self._after = traced(self._flat_after, example)

    def step(self, inputs: StepInputs, state: State) -> tuple[StepOutput, State]:
        """One step of B rows: their outputs and the state after it."""
        found = iter(self._step(*self._flat(inputs, state)))
        columns = {name: next(found) for name in self._columns}
        shares = {name: next(found) for name in SHARES}
        return StepOutput(columns, **shares), dict(zip(self._state, found, strict=True))

    def after(self, inputs: StepInputs, state: State) -> State:
        """The state after one step of B rows, as `step` gives it."""
        return dict(zip(self._state, self._after(*self._flat(inputs, state)), strict=True))

    # TorchScript takes and gives tensors in an order: a dictionary costs a copy and a look-up each way.

    def _flat(self, inputs: StepInputs, state: State) -> tuple[Tensor, ...]:
        return *(getattr(inputs, name) for name in FIELDS), *(state[name] for name in self._state)

    def _parted(self, flat: tuple[Tensor, ...]) -> tuple[StepInputs, State]:
        """What `_flat` was given."""
        state = dict(zip(self._state, flat[len(FIELDS) :], strict=True))
        return StepInputs(*flat[: len(FIELDS)]), state

    def _flat_step(self, *flat: Tensor) -> tuple[Tensor, ...]:
        output, after = self._model.step(*self._parted(flat))
        columns = (output.columns[name] for name in self._columns)
        return *columns, *(getattr(output, name) for name in SHARES), *(after[name] for name in self._state)

    def _flat_after(self, *flat: Tensor) -> tuple[Tensor, ...]:
        after = self._model.after(*self._parted(flat))
        return tuple(after[name] for name in self._state)


def _example(model: LeMoF) -> StepInputs:
    """A first step of which nothing is known: [ROWS, ...]."""
    schema = model.schema
    unseen = torch.full((ROWS, len(schema.channels)), torch.nan)
    return StepInputs(
        median=unseen,
        last=unseen.clone(),
        static=torch.full((ROWS, len(schema.static)), torch.nan),
        step=torch.ones(ROWS, dtype=torch.int64),
        minutes_open=torch.ones(ROWS),
    )
