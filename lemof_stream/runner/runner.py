"""The sliding-window runner: takes inputs of many stays, gives predictions, one micro-batch a round.

Its state is a function of the *set* of inputs taken in, whatever their order inside the sliding window (to the rounding
of float32 sums); recovery and parity rest on that. A cycle takes inputs into the bins of their steps, commits the steps
that are due (one batched model step a round: round n commits the n-th due step of every stay), and evaluates the open
steps of the stays that changed without committing them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

import torch

from lemof_stream.contracts.ehr import StayRecord
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.clock import Clock, Limits
from lemof_stream.runner.cycle import CycleResult, Elapsed, Input, Verdict
from lemof_stream.runner.intake import Ended, Intake
from lemof_stream.runner.slab import Slab
from lemof_stream.runner.snapshot import pack, unpack
from lemof_stream.runner.stay import Stay
from lemof_stream.runner.stepper import ROWS, Published, Stepper
from lemof_stream.runner.taking import Taking

T = TypeVar("T")


class Runner:
    """Stays of any number of partitions behind one model. `called_off`: whether to leave what takes long half done."""

    def __init__(
        self,
        predictor: Predictor,
        limits: Limits | None = None,
        called_off: Callable[[], bool] = lambda: False,
    ) -> None:
        self._predictor = predictor
        self._slab = Slab(predictor)
        self._stays: dict[str, Stay] = {}
        self._intake = Intake(predictor.schema, self._slab, self._stays)
        self._clock = Clock(predictor.schema, limits or Limits())
        self._stepper = Stepper(predictor, self._slab, called_off)

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
        self._stepper.adopt(predictor)
        for stay in self._stays.values():
            stay.rewind()

    @property
    def predictor(self) -> Predictor:
        """The model in charge."""
        return self._predictor

    def begin(self, *, silent: bool = False) -> Taking[T]:
        """A cycle, to give inputs to as they come; there is one at a time. `silent`: their predictions were published
        before; the state is as after another, and nothing is said.
        """
        return Taking(self._intake, self._stays, self._slab, self._stepper, silent=silent)

    def cycle(self, inputs: Iterable[Input]) -> CycleResult:
        """Take the inputs in this order; publish every step that is due, and in the end every open step that changed.

        Raises:
            CalledOffError: it was.
        """
        taking: Taking[int] = self.begin()
        verdicts = _all_of(taking, inputs)
        return CycleResult(verdicts, taking.predictions)

    def absorb(self, inputs: Iterable[Input]) -> list[Verdict]:
        """A silent cycle of these inputs."""
        return _all_of(self.begin(silent=True), inputs)

    @torch.inference_mode()
    def advance(self, partition: int, now: datetime) -> Elapsed:
        """Let a partition's time come to `now`: steps that are over close, silent stays are told, ended ones leave."""
        published: Published = []
        own = self._of(partition)
        begun = [(stay, self._clock.begun(stay, now)) for stay in own]
        self._stepper.make_room([(stay, step) for stay, step in begun if step > stay.open], published)
        self._stepper.commit([stay for stay in own if self._clock.pass_steps(stay, now)], published)
        fallen = [fallen for stay in own for fallen in self._clock.fallen(stay, now)]
        self._stepper.commit(list({f.stay.slot: f.stay for f in fallen}.values()), published)
        self._stepper.tell_silence(fallen, published)
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

    def _of(self, partition: int) -> list[Stay]:
        return [stay for stay in self._stays.values() if stay.partition == partition]

    def _free(self, gone: Sequence[Stay]) -> None:
        self._slab.free([stay.slot for stay in gone])
        for stay in gone:
            del self._stays[stay.stay_id]


def _all_of(taking: Taking[int], inputs: Iterable[Input]) -> list[Verdict]:
    """The verdicts on all inputs of a cycle, in their order."""
    decided: dict[int, Verdict] = {}
    numbered = enumerate(inputs)
    while part := list(islice(numbered, ROWS)):
        decided |= taking.take(part)
    decided |= taking.finish()
    return [decided[number] for number in range(len(decided))]
