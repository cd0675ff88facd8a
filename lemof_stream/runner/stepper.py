"""Model steps of many stays, one micro-batch a round: round n commits the n-th due step of every stay.

A step is committed to a stay's live state, later, as it leaves the sliding window, to its base state; an open step is
evaluated without being committed.

B stays of a micro-batch
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final, TypeVar

import torch

from lemof_stream.contracts.predictions import Prediction
from lemof_stream.model.inputs import StepOutput
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.clock import Fallen
from lemof_stream.runner.publish import KIND_OF_OPEN, Due, Publisher
from lemof_stream.runner.slab import Slab
from lemof_stream.runner.states import States
from lemof_stream.runner.stay import Kept, Stay

Published = list[tuple[int, Prediction]]
"""Predictions with the partition of their stay."""

ROWS: Final = 512
"""Of a micro-batch. What it holds meanwhile stays in the processor's second cache: of ten times as many rows each costs
a quarter more."""

T = TypeVar("T")


class CalledOffError(Exception):
    """What was begun is left half done: the runner's state is not to be used any more."""


class Stepper:
    """Brings stays of a slab on, under one model. `called_off` is asked before each micro-batch, and when inputs
    are taken.
    """

    def __init__(self, predictor: Predictor, slab: Slab, called_off: Callable[[], bool]) -> None:
        self._predictor = predictor
        self._kept_steps = predictor.schema.kept_steps
        self._step_minutes = float(predictor.schema.step_minutes)
        self._slab = slab
        self._called_off = called_off
        self._publisher = Publisher(predictor)

    def adopt(self, predictor: Predictor) -> None:
        """Go on with another model of the same inputs."""
        self._predictor = predictor
        self._publisher = Publisher(predictor)

    def check(self) -> None:
        """See whether to go on.

        Raises:
            CalledOffError: not.
        """
        if self._called_off():
            raise CalledOffError

    def make_room(self, crowded: Sequence[tuple[Stay, int]], published: Published | None) -> None:
        """Open a later step of each stay: its oldest steps leave the window, from live's keeping into base's."""
        for part in self._batches(crowded):
            while moving := [(stay, step) for stay, step in part if stay.open < step]:
                self.commit([stay for stay, _ in moving], published, with_open=True)
                while batch := [
                    stay for stay, step in moving if stay.base < min(stay.live, step - self._kept_steps)
                ]:
                    self._step_base(batch)
                for stay, step in moving:
                    stay.open = min(step, stay.base + self._kept_steps)

    def commit(self, stays: Sequence[Stay], published: Published | None, *, with_open: bool = False) -> None:
        """Commit every step that is due, publishing those that changed; None: silently."""
        for part in self._batches(stays):
            self._rewind([stay for stay in part if stay.emit_from <= stay.live])
            while batch := [stay for stay in part if stay.live < (stay.open if with_open else stay.due)]:
                self._step_live(batch, published)
            for stay in part:
                stay.emit_from = stay.live + 1

    def refresh(self, changed: Sequence[Stay], published: Published) -> None:
        """Evaluate open steps without committing them."""
        for batch in self._batches([stay for stay in changed if stay.live < stay.open]):
            self._look(batch, published)

    def tell_silence(self, fallen: Sequence[Fallen], published: Published) -> None:
        """Publish what silence makes of steps that nothing came of, or nothing but laboratory values."""
        self.refresh([f.stay for f in fallen if f.step == f.stay.open], published)
        ahead = sorted((f for f in fallen if f.step > f.stay.open), key=_steps_ahead)
        for steps, together in groupby(ahead, _steps_ahead):
            batch = list(together)
            due = [Due.committed(f.stay, f.step, KIND_OF_OPEN[f.silence]) for f in batch]
            published.extend(self._publisher.messages(due, self._look_ahead(batch, steps)))

    def _batches(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """Micro-batches of stays, as long as nothing is called off."""
        for start in range(0, len(items), ROWS):
            self.check()
            yield items[start : start + ROWS]

    def _rewind(self, stays: Sequence[Stay]) -> None:
        if not stays:
            return
        slots = torch.tensor([stay.slot for stay in stays])
        self._slab.live.copy(self._slab.base, slots)
        for stay in stays:
            stay.rewind()

    def _step_live(self, batch: list[Stay], published: Published | None) -> None:
        steps = [stay.live + 1 for stay in batch]
        if published is None:
            self._pass_step(batch, steps, self._slab.live)
            for stay in batch:
                stay.commit_live()
            return
        output = self._step(batch, steps, [self._step_minutes] * len(batch), commit=True)
        due: list[Due] = []
        rows: list[int] = []
        for row, stay in enumerate(batch):
            step = stay.commit_live()
            if step >= stay.emit_from:
                rows.append(row)
                due.append(Due.committed(stay, step, "final"))
        if due:
            published.extend(self._publisher.messages(due, output.rows(rows)))

    def _step_base(self, batch: list[Stay]) -> None:
        self._pass_step(batch, [stay.base + 1 for stay in batch], self._slab.base)
        for stay in batch:
            self._slab.clear(stay.slot, stay.commit_base())

    def _look(self, batch: Sequence[Stay], published: Published) -> None:
        # Looking makes nothing: a step that only the clock has opened is kept once an input comes.
        opened = [stay.kept.get(stay.open) or Kept() for stay in batch]
        output = self._step(batch, [stay.open for stay in batch], [kept.minutes for kept in opened])
        due = [
            Due(
                stay,
                stay.open,
                KIND_OF_OPEN[stay.silence],
                stay.live_inputs + kept.inputs,
                stay.live_observations + kept.observations,
                kept.newest or stay.last_input,
            )
            for stay, kept in zip(batch, opened, strict=True)
        ]
        published.extend(self._publisher.messages(due, output))

    def _look_ahead(self, batch: Sequence[Fallen], steps: int) -> StepOutput:
        """Outputs so many steps behind the last committed one, with nothing in between; no state is changed."""
        slots = [f.stay.slot for f in batch]
        state = self._slab.live.gather(torch.tensor(slots))
        for ahead in range(1, steps + 1):
            minutes = [f.minutes if ahead == steps else self._step_minutes for f in batch]
            inputs = self._slab.empty_inputs(slots, [f.stay.live + ahead for f in batch], minutes)
            output, state = self._predictor.step(inputs, state)
        return output

    def _step(
        self, batch: Sequence[Stay], steps: Sequence[int], minutes: Sequence[float], *, commit: bool = False
    ) -> StepOutput:
        """One model step of each stay of the batch, from the live state and, with `commit`, into it."""
        slots = [stay.slot for stay in batch]
        index = torch.tensor(slots)
        state = self._slab.live.gather(index)
        output, after = self._predictor.step(self._slab.inputs(slots, steps, minutes), state)
        if commit:
            self._slab.live.scatter(index, after)
        return output

    def _pass_step(self, batch: Sequence[Stay], steps: Sequence[int], states: States) -> None:
        """Commit a whole step of each stay to `states`, live or base, where nobody asks for an output."""
        slots = [stay.slot for stay in batch]
        index = torch.tensor(slots)
        inputs = self._slab.inputs(slots, steps, [self._step_minutes] * len(batch))
        states.scatter(index, self._predictor.after(inputs, states.gather(index)))


def _steps_ahead(fallen: Fallen) -> int:
    return fallen.step - fallen.stay.live
