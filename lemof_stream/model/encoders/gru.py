"""Stacked gated recurrent units (Cho et al. 2014) over the stay, with residual connections between layers.

E members, B rows, T steps, F features, D width
"""

import torch
from torch import Tensor, nn

from lemof_stream.model.encoders.protocol import TemporalEncoder
from lemof_stream.model.inputs import State
from lemof_stream.model.members import Dropout, MemberInput, MemberLinear, normalised

LAYERS = 3
"""The fewest that leave a middle level to choose; 6 D² weights each (a block of the TCN has 2 D²)."""


class GRULayer(nn.Module):
    """One layer of all members: what `torch.nn.GRU` computes, in one matrix product a step for all of them."""

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        self.inputs = MemberLinear(members, width, 3 * width)
        self.recurrent = MemberLinear(members, width, 3 * width)

    def advance(self, gates: Tensor, hidden: Tensor) -> Tensor:
        """`gates` [E, B, 3 D] from this step's input, `hidden` [E, B, D] before it -> hidden after it."""
        width = hidden.shape[-1]
        own = self.recurrent(hidden)
        update, reset = (gates[..., : 2 * width] + own[..., : 2 * width]).sigmoid().chunk(2, -1)
        candidate = (gates[..., 2 * width :] + reset * own[..., 2 * width :]).tanh()
        after: Tensor = candidate + update * (hidden - candidate)
        return after

    def step(self, x: Tensor, hidden: Tensor) -> Tensor:
        """[E, B, D], hidden [E, B, D] -> hidden [E, B, D]."""
        return self.advance(self.inputs(x), hidden)

    def forward(self, x: Tensor, steps: int) -> Tensor:
        """Whole stays: [E, B * T, D] -> [E, B * T, D]."""
        members, _, width = x.shape
        gates = self.inputs(x).view(members, -1, steps, 3 * width)
        hidden, after = x.new_zeros(members, gates.shape[1], width), []
        # All members at once are twice as fast as `torch.nn.GRU` for one after the other.
        for step in gates.unbind(2):
            hidden = self.advance(step, hidden)
            after.append(hidden)
        return torch.stack(after, 2).view(x.shape)


class VitalsGRU(TemporalEncoder):
    """Each layer a level: [2, B * T, F] -> 3 levels [E, B * T, D]."""

    def __init__(self, members: int, features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.members, self.levels, self.width = members, LAYERS, width
        self.input = MemberInput(members, features, width)
        self.layers = nn.ModuleList(GRULayer(members, width) for _ in range(LAYERS))
        self.drop_in, self.drop = Dropout(dropout / 2), Dropout(dropout)

    def initial_state(self, rows: int) -> State:
        """The hidden state of every layer: [B, E, D]."""
        return {f"gru_{i}": torch.zeros(rows, self.members, self.width) for i in range(1, LAYERS + 1)}

    def forward(self, x: Tensor, steps: int) -> list[Tensor]:
        h = self.input(self.drop_in(x))
        levels = []
        for layer in self.layers:
            h = h + self.drop(layer(normalised(h), steps))
            levels.append(h)
        return levels

    def step(self, x: Tensor, state: State) -> tuple[list[Tensor], State]:
        h = self.input(x)
        levels, after = [], {}
        for i, layer in enumerate(self.layers, 1):
            assert isinstance(layer, GRULayer)
            hidden = layer.step(normalised(h), state[f"gru_{i}"].transpose(0, 1))
            after[f"gru_{i}"] = hidden.transpose(0, 1)
            h = h + hidden
            levels.append(h)
        return levels, after
