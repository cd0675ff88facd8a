"""The feed-forward half of a Transformer block.

E members, R rows, D width
"""

from torch import Tensor, nn

from lemof_stream.model.members import MemberLinear


class GatedFeedForward(nn.Module):
    """ReGLU (Shazeer 2020), as the FT-Transformer has it: [E, R, D] -> [E, R, D]."""

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        hidden = 4 * width // 3  # the FT-Transformer's default
        self.up = MemberLinear(members, width, 2 * hidden)
        self.down = MemberLinear(members, hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.up(x).chunk(2, -1)
        out: Tensor = self.down(value * gate.relu())
        return out


def heads_of(width: int, heads: int) -> int:
    """The width of one attention head.

    Raises:
        ValueError: the width cannot be parted into so many heads.
    """
    if width % heads:
        raise ValueError(
            f"width {width} cannot be parted into {heads} attention heads; take a multiple of {heads}"
        )
    return width // heads
