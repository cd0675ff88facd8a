"""Causal dilated convolutions over the stay, stepped with a ring of past taps per level.

E members, B rows, T steps, F features, D width
"""

import torch
from torch import Tensor, nn

from lemof_stream.model.encoders.protocol import TemporalEncoder
from lemof_stream.model.inputs import State
from lemof_stream.model.members import Dropout, MemberInput, MemberLinear, normalised

DILATIONS = (1, 2, 4, 8)
"""Two taps a block: together the blocks look back 15 steps beyond the current one, as the running features hold
what is older."""


class VitalsTCN(TemporalEncoder):
    """Residual blocks of two taps, one for each dilation: [2, B * T, F] -> 4 levels [E, B * T, D]."""

    def __init__(self, members: int, features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.members, self.levels, self.width = members, len(DILATIONS), width
        self.input = MemberInput(members, features, width)
        self.blocks = nn.ModuleList(MemberLinear(members, 2 * width, width) for _ in DILATIONS)
        self.drop_in, self.drop = Dropout(dropout / 2), Dropout(dropout)

    def initial_state(self, rows: int) -> State:
        """One ring a level, the oldest step first: [B, dilation, E, D]; zeros, as before the first step."""
        return {f"tcn_{d}": torch.zeros(rows, d, self.members, self.width) for d in DILATIONS}

    def forward(self, x: Tensor, steps: int) -> list[Tensor]:
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
        h = self.input(x)
        levels, after = [], {}
        for d, block in zip(DILATIONS, self.blocks, strict=True):
            tap, ring = normalised(h), state[f"tcn_{d}"]
            past = ring[:, 0].transpose(0, 1)
            after[f"tcn_{d}"] = torch.cat([ring[:, 1:], tap.transpose(0, 1).unsqueeze(1)], 1)
            h = h + nn.functional.silu(block(torch.cat([past, tap], -1)))
            levels.append(h)
        return levels, after
