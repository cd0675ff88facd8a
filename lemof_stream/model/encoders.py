"""Encoders that return all their levels, the level being a block's output.

    E members, B rows, T steps, R = B * T, F features, D width, L levels

A temporal encoder has two ways in that share weights: `forward` over whole stays and `step` with a ring buffer per
level, equal on every stream; its cost a step does not grow with the window.
"""

import torch
from torch import Tensor, nn

from lemof_stream.model.inputs import State
from lemof_stream.model.members import Dropout, MemberInput, MemberLinear, normalised

DILATIONS = (1, 2, 4, 8)
"""Two taps a block: together the blocks look back 15 steps beyond the current one, as the running features hold
what is older."""


class EhrResidualMLP(nn.Module):
    """Pointwise residual network on running features: [2, R, F] -> L levels [E, R, D]."""

    def __init__(self, members: int, features: int, width: int, levels: int, dropout: float) -> None:
        super().__init__()
        self.input = MemberInput(members, features, width)
        self.blocks = nn.ModuleList(MemberLinear(members, width, width) for _ in range(levels))
        self.drop_in, self.drop = Dropout(dropout / 2), Dropout(dropout)

    def forward(self, x: Tensor) -> list[Tensor]:
        h = self.input(self.drop_in(x))
        levels = []
        for block in self.blocks:
            h = h + self.drop(nn.functional.silu(block(normalised(h))))
            levels.append(h)
        return levels


class VitalsTCN(nn.Module):
    """Causal dilated convolutions: [2, B * T, F] -> L levels [E, B * T, D]."""

    def __init__(self, members: int, features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.members, self.width = members, width
        self.input = MemberInput(members, features, width)
        self.blocks = nn.ModuleList(MemberLinear(members, 2 * width, width) for _ in DILATIONS)
        self.drop_in, self.drop = Dropout(dropout / 2), Dropout(dropout)

    def initial_state(self, rows: int) -> State:
        """One ring a level, the oldest step first: [B, dilation, E, D]; zeros, as before the first step."""
        return {f"tcn_{d}": torch.zeros(rows, d, self.members, self.width) for d in DILATIONS}

    def forward(self, x: Tensor, steps: int) -> list[Tensor]:
        """Whole stays of `steps` steps each."""
        h = self.input(self.drop_in(x))
        levels = []
        for d, block in zip(DILATIONS, self.blocks, strict=True):
            tap = normalised(h)
            stay = tap.view(self.members, -1, steps, self.width)
            past = nn.functional.pad(stay, (0, 0, d, 0))[:, :, :steps].reshape(tap.shape)
            h = h + self.drop(nn.functional.silu(block(torch.cat([past, tap], -1))))
            levels.append(h)
        return levels

    def step(self, x: Tensor, state: State) -> tuple[list[Tensor], State]:
        """One step of each of B rows; the state given stays as it was."""
        h = self.input(x)
        levels, after = [], {}
        for d, block in zip(DILATIONS, self.blocks, strict=True):
            tap, ring = normalised(h), state[f"tcn_{d}"]
            past = ring[:, 0].transpose(0, 1)
            after[f"tcn_{d}"] = torch.cat([ring[:, 1:], tap.transpose(0, 1).unsqueeze(1)], 1)
            h = h + nn.functional.silu(block(torch.cat([past, tap], -1)))
            levels.append(h)
        return levels, after
