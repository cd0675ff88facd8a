"""Residual network on running features.

E members, R rows, F features, D width, L levels
"""

from torch import Tensor, nn

from lemof_stream.model.encoders.protocol import PointwiseEncoder
from lemof_stream.model.members import Dropout, MemberInput, MemberLinear, normalised


class EhrResidualMLP(PointwiseEncoder):
    """Residual blocks of one layer: [2, R, F] -> L levels [E, R, D]."""

    def __init__(self, members: int, features: int, width: int, levels: int, dropout: float) -> None:
        super().__init__()
        self.levels, self.width = levels, width
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
