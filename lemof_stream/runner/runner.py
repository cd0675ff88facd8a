"""The sliding-window runner: takes inputs of many stays, gives predictions, one micro-batch a round.

Its state is a function of the *set* of inputs taken in, whatever their order inside the sliding window (to the rounding
of float32 sums); recovery and parity rest on that. A cycle takes inputs into the bins of their steps, commits the steps
that are due (one batched model step a round: round n commits the n-th due step of every stay), and evaluates the open
steps of the stays that changed without committing them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby, islice
from typing import Final, TypeVar

import torch

from lemof_stream.contracts.ehr import StayRecord
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.model.inputs import StepOutput
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.clock import Clock, Fallen, Limits
from lemof_stream.runner.cycle import CycleResult, Elapsed, Input, Verdict
from lemof_stream.runner.intake import PREDICTED, Ended, Intake, NeedsRoomError
from lemof_stream.runner.publish import KIND_OF_OPEN, Due, Publisher
from lemof_stream.runner.slab import Slab
from lemof_stream.runner.snapshot import pack, unpack
from lemof_stream.runner.states import States
from lemof_stream.runner.stay import Kept, Stay

Published = list[tuple[int, Prediction]]
"""Predictions with the partition of their stay."""

ROWS: Final = 512
"""Of a micro-batch. What it holds meanwhile stays in the processor's second cache: of ten times as many rows each costs
a quarter more."""
_CROWD: Final = 128
"""Stays that room is made for at once: of more each costs hardly less."""

T = TypeVar("T")


@dataclass(slots=True)
class _Waiting:
    """Inputs that wait for room, each with its place among all of them, and by stay the step that needs it."""

    inputs: list[tuple[int, Input]] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=dict)


class CalledOffError(Exception):
    """What was begun is left half done: the runner's state is not to be used any more."""


class Runner:
    """Stays of any number of partitions behind one model. `called_off` is asked before each micro-batch."""

    def __init__(
        self,
        predictor: Predictor,
        limits: Limits | None = None,
        called_off: Callable[[], bool] = lambda: False,
    ) -> None:
        self._called_off = called_off
        self._predictor = predictor
        self._kept_steps = predictor.schema.kept_steps
        self._step_minutes = float(predictor.schema.step_minutes)
        self._slab = Slab(predictor)
        self._stays: dict[str, Stay] = {}
        self._intake = Intake(predictor.schema, self._slab, self._stays)
        self._clock = Clock(predictor.schema, limits or Limits())
        self._publisher = Publisher(predictor)

    @torch.inference_mode()
    def adopt(self, predictor: Predictor) -> None:
        """Go on under another model, between two cycles.

        Every stay is rewound to its base and committed again under the new model when it is next touched, from the
        inputs that the window keeps; what has been said of its steps is not said again. A stay no longer than the
        window is then as if the new model had had it from the start. Of a longer one, what an encoder remembers of the
        steps that have left the window is forgotten, and their running features where inputs are scaled otherwise.

        Raises:
            CheckpointError: the model reads other inputs; the old one goes on.
        """
        predictor.require_inputs_of(self._predictor)
        self._predictor = predictor
        self._slab.adopt(predictor)
        self._publisher = Publisher(predictor)
        for stay in self._stays.values():
            stay.rewind()

    @property
    def predictor(self) -> Predictor:
        """The model in charge."""
        return self._predictor

    @torch.inference_mode()
    def cycle(self, inputs: Iterable[Input]) -> CycleResult:
        """Take the inputs in this order, as they come; publish every step that is due, and in the end every open step
        that changed.

        Raises:
            CalledOffError: it was.
        """
        published: Published = []
        verdicts, changed = self._take_all(inputs, published)
        self._refresh(changed, published)
        return CycleResult(verdicts, published)

    @torch.inference_mode()
    def absorb(self, inputs: Iterable[Input]) -> list[Verdict]:
        """Take inputs whose predictions were published before: the state is as after a cycle, and nothing is said."""
        return self._take_all(inputs, None)[0]

    @torch.inference_mode()
    def advance(self, partition: int, now: datetime) -> Elapsed:
        """Let a partition's time come to `now`: steps that are over close, silent stays are told, ended ones leave."""
        published: Published = []
        own = self._of(partition)
        begun = [(stay, self._clock.begun(stay, now)) for stay in own]
        self._make_room([(stay, step) for stay, step in begun if step > stay.open], published)
        self._commit([stay for stay in own if self._clock.pass_steps(stay, now)], published)
        fallen = [fallen for stay in own for fallen in self._clock.fallen(stay, now)]
        self._commit(list({f.stay.slot: f.stay for f in fallen}.values()), published)
        self._tell_silence(fallen, published)
        left = [stay for stay in own if self._clock.has_ended(stay, now)]
        self._free(left)
        for stay in left:
            self._intake.ended[stay.stay_id] = Ended(partition, stay.admitted_at)
        return Elapsed([prediction for _, prediction in published], [stay.stay_id for stay in left])

    def resume(self, partition: int, now: datetime, records: Iterable[StayRecord]) -> set[str]:
        """Before a partition's state is restored: of these stays, those that had left by `now`, which it remembers."""
        ended = [record for record in records if self._clock.has_ended(record, now)]
        self._intake.ended.update({r.stay_id: Ended(partition, r.admitted_at) for r in ended})
        return {record.stay_id for record in ended}

    def stays(self, partition: int) -> list[str]:
        """The stays of a partition."""
        return [stay.stay_id for stay in self._of(partition)]

    def stays_by_partition(self) -> Counter[int]:
        """How many stays each partition has. May be asked from another thread than that of the cycles."""
        return Counter(stay.partition for stay in list(self._stays.values()))

    @property
    def state_bytes(self) -> int:
        """Memory that holds the state of stays."""
        return self._slab.bytes

    @torch.inference_mode()
    def reserve(self, stays: int) -> None:
        """So many stays are about to be restored."""
        self._slab.reserve(stays)

    @torch.inference_mode()
    def release(self, partition: int) -> None:
        """Forget every stay of a partition."""
        self._free(self._of(partition))
        self._intake.forget(partition)

    @torch.inference_mode()
    def snapshot(self, stay_id: str) -> bytes:
        """The whole state of a stay."""
        return pack(self._stays[stay_id], self._slab, self._predictor)

    @torch.inference_mode()
    def restore(self, partition: int, value: bytes) -> str:
        """Take a stay's state back in; returns its id.

        Raises:
            CheckpointError: the snapshot is damaged or of a checkpoint with other inputs.
        """
        stay = unpack(value, partition, self._slab, self._predictor)
        self._stays[stay.stay_id] = stay
        return stay.stay_id

    def _take_all(
        self, inputs: Iterable[Input], published: Published | None
    ) -> tuple[list[Verdict], list[Stay]]:
        """Take the inputs and commit what is due by them; the verdicts, and the stays that changed.

        Some at a time: who gives them stops when it has taken long, which the first windows of old stays do. What opens
        a step that there is no room for waits, and what follows it of its stay, until many stays do: one in sixty
        windows opens a step, and a model step of a few stays costs each several times as much.
        """
        verdicts: dict[int, Verdict] = {}
        changed: dict[str, Stay] = {}
        waiting = _Waiting()
        coming = enumerate(inputs)
        while part := list(islice(coming, ROWS)):
            self._take(part, verdicts, changed, waiting, published)
            if len(waiting.steps) >= _CROWD:
                self._take_waiting(waiting, verdicts, changed, published)
        self._take_waiting(waiting, verdicts, changed, published)
        return [verdicts[index] for index in range(len(verdicts))], list(changed.values())

    def _take_waiting(
        self,
        waiting: _Waiting,
        verdicts: dict[int, Verdict],
        changed: dict[str, Stay],
        published: Published | None,
    ) -> None:
        """Make room for what waits and take it, until nothing does."""
        while waiting.inputs:
            inputs, crowded = waiting.inputs, waiting.steps
            waiting.inputs, waiting.steps = [], {}
            self._make_room([(self._stays[stay_id], step) for stay_id, step in crowded.items()], published)
            self._take(inputs, verdicts, changed, waiting, published)

    def _take(
        self,
        inputs: Sequence[tuple[int, Input]],
        verdicts: dict[int, Verdict],
        changed: dict[str, Stay],
        waiting: _Waiting,
        published: Published | None,
    ) -> None:
        """Take what fits, and commit what is due by it; what does not fit is `waiting`."""
        own: dict[str, Stay] = {}
        take, stays = self._intake.take, self._stays
        for index, item in inputs:
            stay_id = item.stay_id
            if stay_id in waiting.steps:
                waiting.inputs.append((index, item))
                continue
            try:
                verdict = verdicts[index] = take(item)
            except NeedsRoomError as need:
                waiting.steps[stay_id] = need.step
                waiting.inputs.append((index, item))
                continue
            if verdict is PREDICTED:
                own[stay_id] = stays[stay_id]
        self._slab.flush()
        self._commit(list(own.values()), published)
        changed.update(own)

    def _make_room(self, crowded: Sequence[tuple[Stay, int]], published: Published | None) -> None:
        """Open a later step of each stay: its oldest steps leave the window, from live's keeping into base's."""
        for part in self._batches(crowded):
            while moving := [(stay, step) for stay, step in part if stay.open < step]:
                self._commit([stay for stay, _ in moving], published, with_open=True)
                while batch := [
                    stay for stay, step in moving if stay.base < min(stay.live, step - self._kept_steps)
                ]:
                    self._step_base(batch)
                for stay, step in moving:
                    stay.open = min(step, stay.base + self._kept_steps)

    def _commit(self, stays: Sequence[Stay], published: Published | None, *, with_open: bool = False) -> None:
        """Commit every step that is due, publishing those that changed; None: silently."""
        for part in self._batches(stays):
            self._rewind([stay for stay in part if stay.emit_from <= stay.live])
            while batch := [stay for stay in part if stay.live < (stay.open if with_open else stay.due)]:
                self._step_live(batch, published)
            for stay in part:
                stay.emit_from = stay.live + 1

    def _batches(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """Micro-batches of stays, as long as nothing is called off."""
        for start in range(0, len(items), ROWS):
            if self._called_off():
                raise CalledOffError
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

    def _of(self, partition: int) -> list[Stay]:
        return [stay for stay in self._stays.values() if stay.partition == partition]

    def _free(self, gone: Sequence[Stay]) -> None:
        self._slab.free([stay.slot for stay in gone])
        for stay in gone:
            del self._stays[stay.stay_id]

    def _refresh(self, changed: Sequence[Stay], published: Published) -> None:
        """Evaluate open steps without committing them."""
        for batch in self._batches([stay for stay in changed if stay.live < stay.open]):
            self._look(batch, published)

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

    def _tell_silence(self, fallen: Sequence[Fallen], published: Published) -> None:
        """Publish what silence makes of steps that nothing came of, or nothing but laboratory values."""
        self._refresh([f.stay for f in fallen if f.step == f.stay.open], published)
        ahead = sorted((f for f in fallen if f.step > f.stay.open), key=_steps_ahead)
        for steps, together in groupby(ahead, _steps_ahead):
            batch = list(together)
            due = [Due.committed(f.stay, f.step, KIND_OF_OPEN[f.silence]) for f in batch]
            published.extend(self._publisher.messages(due, self._look_ahead(batch, steps)))

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
