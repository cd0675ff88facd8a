"""One cycle of the runner under way: inputs are taken, verdicts given as soon as they are known."""

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import torch

from lemof_stream.runner.cycle import Input, Verdict
from lemof_stream.runner.intake import PREDICTED, Intake, NeedsRoomError
from lemof_stream.runner.slab import Slab
from lemof_stream.runner.stay import Stay
from lemof_stream.runner.stepper import Published, Stepper

_CROWD: Final = 128
"""Stays that room is made for at once: of more each costs hardly less."""

T = TypeVar("T")


class Taking(Generic[T]):
    """Inputs are taken some at a time, each with something that its giver knows it by, and predicted in the end.

    What opens a step that there is no room for waits, and what follows it of its stay, until many stays do: one in
    sixty windows opens a step, and a model step of a few stays costs each several times as much.
    """

    def __init__(
        self, intake: Intake, stays: dict[str, Stay], slab: Slab, stepper: Stepper, *, silent: bool = False
    ) -> None:
        self.predictions: Published = []
        self._intake = intake
        self._stays = stays
        self._slab = slab
        self._stepper = stepper
        self._silent = silent
        self._changed: dict[str, Stay] = {}
        self._waiting: list[tuple[T, Input]] = []
        self._crowded: dict[str, int] = {}

    @torch.inference_mode()
    def take(self, inputs: Sequence[tuple[T, Input]]) -> list[tuple[T, Verdict]]:
        """Take what fits, and commit what is due by it; the verdicts that this led to, on earlier inputs too.

        Raises:
            CalledOffError: it was.
        """
        self._stepper.check()
        decided = self._take(inputs)
        return decided + self._take_waiting() if len(self._crowded) >= _CROWD else decided

    @torch.inference_mode()
    def finish(self) -> list[tuple[T, Verdict]]:
        """Take what waits, and evaluate every open step that has changed; the verdicts that were still due.

        Raises:
            CalledOffError: it was.
        """
        decided = self._take_waiting()
        if not self._silent:
            self._stepper.refresh(list(self._changed.values()), self.predictions)
        return decided

    @property
    def _published(self) -> Published | None:
        return None if self._silent else self.predictions

    def _take_waiting(self) -> list[tuple[T, Verdict]]:
        """Make room for what waits and take it, until nothing does."""
        decided: list[tuple[T, Verdict]] = []
        while self._waiting:
            inputs, crowded = self._waiting, self._crowded
            self._waiting, self._crowded = [], {}
            room = [(self._stays[stay_id], step) for stay_id, step in crowded.items()]
            self._stepper.make_room(room, self._published)
            decided += self._take(inputs)
        return decided

    def _take(self, inputs: Sequence[tuple[T, Input]]) -> list[tuple[T, Verdict]]:
        decided: list[tuple[T, Verdict]] = []
        changed: dict[str, Stay] = {}
        take, stays, crowded = self._intake.take, self._stays, self._crowded
        for known_by, item in inputs:
            stay_id = item.stay_id
            if stay_id in crowded:
                self._waiting.append((known_by, item))
                continue
            try:
                verdict = take(item)
            except NeedsRoomError as need:
                crowded[stay_id] = need.step
                self._waiting.append((known_by, item))
                continue
            decided.append((known_by, verdict))
            if verdict is PREDICTED:
                changed[stay_id] = stays[stay_id]
        self._slab.flush()
        self._stepper.commit([stay for stay in changed.values() if stay.is_due], self._published)
        self._changed.update(changed)
        return decided
