"""The model state of all slots: one row a slot, so that it is gathered, scattered and packed in one piece.

S slots, B stays of a micro-batch, W numbers of a state
"""

from collections.abc import Collection
from math import prod
from typing import Any, Self

import numpy.typing as npt
import torch
from torch import Tensor

from lemof_stream.model.inputs import State
from lemof_stream.model.predictor import Predictor


class States:
    """A state of every slot, in the order of the model's own: what is computed from the inputs alone comes first, and
    is as wide for each model of the same inputs.
    """

    def __init__(self, predictor: Predictor, slots: int = 0) -> None:
        first = predictor.initial_state(1)
        self._shapes = {name: tensor.shape[1:] for name, tensor in first.items()}
        self._widths = [prod(shape) for shape in self._shapes.values()]
        self._first = self._joined(first)
        self._rows = self._first.repeat(slots, 1)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        """What it takes of memory."""
        return self._rows.nbytes

    def gather(self, slots: Tensor) -> State:
        """The state of these slots: [B, ...]."""
        return self._parted(self._rows.index_select(0, slots))

    def scatter(self, slots: Tensor, state: State) -> None:
        """Put [B, ...] back into these slots."""
        self._rows[slots] = self._joined(state)

    def copy(self, other: Self, slots: Tensor) -> None:
        """Let these slots hold what they hold in `other`, which is of the same model."""
        self._rows[slots] = other._rows[slots]

    def clear(self, slots: Tensor) -> None:
        """Let these slots be as before a first step."""
        self._rows[slots] = self._first

    def grow(self, slots: int) -> None:
        """Append clean slots."""
        self._rows = torch.cat([self._rows, self._first.repeat(slots, 1)])

    def row(self, slot: int) -> npt.NDArray[Any]:
        """Everything of a slot: [W]."""
        return self._rows[slot].numpy()

    def take_in(self, slot: int, row: Tensor) -> None:
        """What `row` gave.

        Raises:
            RuntimeError: it is of another width.
        """
        self._rows[slot] = row

    def take_over(self, slots: slice | int, rows: Tensor, shared: Collection[str]) -> None:
        """Of what another model of the same inputs left in these slots, take the tensors that mean the same to this
        one: they lie in the same places.
        """
        start = 0
        for name, width in zip(self._shapes, self._widths, strict=True):
            if name in shared:
                self._rows[slots, start : start + width] = rows[..., start : start + width]
            start += width

    def adopted(self, predictor: Predictor, shared: Collection[str]) -> "States":
        """The states of another model of the same inputs, as before a first step but for what is `shared`."""
        states = States(predictor, len(self))
        states.take_over(slice(None), self._rows, shared)
        return states

    @staticmethod
    def _joined(state: State) -> Tensor:
        return torch.cat([tensor.flatten(1) for tensor in state.values()], 1)

    def _parted(self, rows: Tensor) -> State:
        parts = torch.split(rows, self._widths, 1)
        return {
            name: part.view(-1, *shape)
            for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }
