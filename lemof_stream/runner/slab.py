"""Tensors of all stays: one slot a stay, recycled; a micro-batch gathers any subset, steps it, scatters it back.

S slots, K kept steps, C channels, B stays of a micro-batch, N values of all instants that were noted
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain, repeat
from operator import methodcaller
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lemof_stream.model.inputs import StepInputs
from lemof_stream.model.predictor import Predictor
from lemof_stream.model.schema import InputSchema
from lemof_stream.model.summary import StepBins
from lemof_stream.runner.states import States

FIRST_SLOTS = 64  # a large unit
# Beyond it the slab grows by a quarter: twice as many slots would hold gigabytes for nobody at 10,000 beds.
_GROWTH = 4
_UNREAD: Final = -1
"""The place of a channel that this checkpoint does not read."""
_VALUES: Final = methodcaller("values")

Noted = tuple[int, float, int, Mapping[str, float]]
"""Values of one instant on their way into the bins: row, minute, rank, and the value of each channel."""


class Slab:
    """Bins of the kept steps, demographics, and two model states a slot.

    `live` holds every committed step of a stay, `base` only those that have left the window: a late input copies base
    over live and commits the window again.
    """

    def __init__(self, predictor: Predictor) -> None:
        schema: InputSchema = predictor.schema
        self._predictor = predictor
        self._kept = schema.kept_steps
        self._free: list[int] = []
        self._noted: list[Noted] = []
        self._channels = {name: place for place, name in enumerate(schema.channels)}
        self._low, self._high = np.array(schema.plausible).T.copy()
        self.bins = StepBins(0, len(schema.channels), schema.step_minutes)
        self.static = torch.full((0, len(schema.static)), torch.nan)
        self.live, self.base = States(predictor), States(predictor)
        self._grow(FIRST_SLOTS)

    @property
    def bytes(self) -> int:
        """What it takes of memory, the slots that are free included."""
        bins = sum(array.nbytes for array in self.bins.arrays().values())
        return bins + self.static.nbytes + self.live.nbytes + self.base.nbytes

    def row(self, slot: int, step: int) -> int:
        """Where a kept step of a slot lies in the bins."""
        return slot * self._kept + (step - 1) % self._kept

    def allocate(self) -> int:
        """A clean slot."""
        if not self._free:
            self._grow(max(len(self.static) // _GROWTH, FIRST_SLOTS))
        return self._free.pop()

    def reserve(self, slots: int) -> None:
        """Make room for so many at once: to grow step by step copies everything each time."""
        if slots > len(self._free):
            self._grow(slots - len(self._free))

    def free(self, slots: Sequence[int]) -> None:
        """Clean these slots and give them back."""
        if not slots:
            return
        index = torch.tensor(slots)
        self.live.clear(index)
        self.base.clear(index)
        self.static[index] = torch.nan
        for slot in slots:
            self.bins.clear(self._rows(slot))
        self._free.extend(slots)

    def adopt(self, predictor: Predictor) -> None:
        """Go on with another model of the same inputs: both states are those of the base, every stay to be rewound.

        Of the base state stays what follows from the inputs alone; the rest is as before the first step.
        """
        shared = predictor.shared_state(self._predictor.scaling_sha256)
        self._predictor = predictor
        self.live, self.base = (self.base.adopted(predictor, shared) for _ in range(2))

    def clear(self, slot: int, step: int) -> None:
        """Clean the row of a step that has left the window."""
        row = self.row(slot, step)
        self.bins.clear(slice(row, row + 1))

    def export(self, slot: int, steps: Collection[int], *, with_base: bool) -> dict[str, npt.NDArray[Any]]:
        """Everything of a slot, by name. `steps`: those that hold inputs. `with_base`: whether a step has left its
        window; else base is as at first.
        """
        arrays = {"live": self.live.row(slot), "static": self.static[slot].numpy()}
        if with_base:
            arrays["base"] = self.base.row(slot)
        held = np.array(sorted((step - 1) % self._kept for step in steps), dtype=np.intp)
        bins = self.bins.pack(self._rows(slot), held)
        return arrays | {f"bins.{name}": array for name, array in bins.items()}

    def take_in(
        self, slot: int, tensors: dict[str, Tensor], shared: Collection[str] | None, *, with_base: bool
    ) -> None:
        """What `export` gave, into a clean slot. Of another model's only what is `shared` with it is taken of the base
        state, and the live state is the base's: the stay has to be rewound.

        Raises:
            KeyError, RuntimeError, ValueError, IndexError: it is no such thing.
        """
        if shared is None:
            self.live.take_in(slot, tensors["live"])
            if with_base:
                self.base.take_in(slot, tensors["base"])
        elif with_base:
            self.live.take_over(slot, tensors["base"], shared)
            self.base.take_over(slot, tensors["base"], shared)
        bins = {name[5:]: tensor.numpy() for name, tensor in tensors.items() if name.startswith("bins.")}
        self.bins.unpack(self._rows(slot), bins)
        self.static[slot] = tensors["static"]

    def _rows(self, slot: int) -> slice:
        """The bins' rows of all kept steps of a slot."""
        return slice(slot * self._kept, (slot + 1) * self._kept)

    def add(self, slot: int, step: int, minute: float, rank: int, values: Mapping[str, float]) -> None:
        """Note the values of one instant; `flush` brings all that was noted into the bins at once."""
        self._noted.append((self.row(slot, step), minute, rank, values))

    def flush(self) -> None:
        """Clip what was noted to the plausible range and fold it into the bins."""
        if not self._noted:
            return
        noted, self._noted = self._noted, []
        rows, minutes, ranks, of_values = zip(*noted, strict=True)
        counts = np.fromiter(map(len, of_values), np.intp, len(noted))
        number = int(counts.sum())
        names = chain.from_iterable(of_values)
        channels = np.fromiter(map(self._channels.get, names, repeat(_UNREAD)), np.intp, number)
        values = np.fromiter(chain.from_iterable(map(_VALUES, of_values)), np.float64, number)
        instants = np.repeat(np.arange(len(noted)), counts)
        if not (read := channels != _UNREAD).all():
            channels, values, instants = channels[read], values[read], instants[read]
        np.clip(values, self._low[channels], self._high[channels], out=values)
        self.bins.add(
            np.array(rows)[instants],
            channels,
            np.array(minutes)[instants],
            values,
            np.array(ranks, dtype=np.uint8)[instants],
            repeated=len(set(rows)) < len(rows),
        )

    def inputs(self, slots: Sequence[int], steps: Sequence[int], minutes: Sequence[float]) -> StepInputs:
        """Step inputs [B] of one step of each slot."""
        rows = np.array(slots) * self._kept + (np.array(steps) - 1) % self._kept
        median, last = (torch.from_numpy(own).float() for own in self.bins.summary(rows))
        return self._inputs(median, last, slots, steps, minutes)

    def empty_inputs(
        self, slots: Sequence[int], steps: Sequence[int], minutes: Sequence[float]
    ) -> StepInputs:
        """Step inputs [B] of steps that nothing has come of."""
        nothing = torch.full((len(slots), len(self._channels)), torch.nan)
        return self._inputs(nothing, nothing, slots, steps, minutes)

    def _inputs(
        self,
        median: Tensor,
        last: Tensor,
        slots: Sequence[int],
        steps: Sequence[int],
        minutes: Sequence[float],
    ) -> StepInputs:
        return StepInputs(
            median=median,
            last=last,
            static=self.static[torch.tensor(slots)],
            step=torch.tensor(steps),
            minutes_open=torch.tensor(minutes, dtype=torch.float32),
        )

    def _grow(self, more: int) -> None:
        size = len(self.static)
        self.live.grow(more)
        self.base.grow(more)
        self.static = torch.cat([self.static, torch.full((more, self.static.shape[1]), torch.nan)])
        self.bins.grow(more * self._kept)
        self._free.extend(reversed(range(size, size + more)))
