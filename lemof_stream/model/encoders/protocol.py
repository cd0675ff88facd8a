"""What every encoder is to LeMoF: a network that returns all its levels, the level being a block's output.

    E members, B rows, T steps, R = B or B * T, F features, L levels, D width

Inputs come in two encodings (see `members.Encoding`), hence their leading 2.
"""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lemof_stream.model.inputs import State


class TemporalEncoder(nn.Module, ABC):
    """Runs over a stay. `forward` over whole stays and `step` share weights and agree on every stream."""

    levels: int
    width: int

    @abstractmethod
    def initial_state(self, rows: int) -> State:
        """The state of `rows` stays before their first step; its size does not depend on the steps taken."""

    @abstractmethod
    def forward(self, x: Tensor, steps: int) -> list[Tensor]:
        """Whole stays of `steps` steps each: [2, B * T, F] -> L levels [E, B * T, D].

        No step looks ahead, so stays shorter than `steps` may be filled up at their end with anything.
        """

    @abstractmethod
    def step(self, x: Tensor, state: State) -> tuple[list[Tensor], State]:
        """One step of each row: [2, B, F] -> L levels [E, B, D], state after; the state given stays as it was."""


class PointwiseEncoder(nn.Module, ABC):
    """Sees one step at a time; what came before it is in its features."""

    levels: int
    width: int

    @abstractmethod
    def forward(self, x: Tensor) -> list[Tensor]:
        """[2, R, F] -> L levels [E, R, D]."""
