"""Small networks side by side: an ensemble of E members with one matrix product a layer.

Each member is trained without one fold of the stays (see `training`), so that its predictions there are out of fold;
served, the members are averaged.

    E members, R rows (B or B * T), D width
"""

import math

import torch
from torch import Tensor, nn


class MemberLinear(nn.Module):
    """A linear layer for each member: [E, R, in] -> [E, R, out]."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


class Dropout(nn.Module):
    """`nn.Dropout` to the nearest 256th of `p`, from a random byte a value instead of a random float.

    Drawing floats is a third of a training step on a CPU; bytes take a third of that.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.dropped = round(p * 256)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        drawn = words.view(torch.uint8)[: x.numel()].view(x.shape)
        return x * ((drawn >= self.dropped) * (256 / (256 - self.dropped)))


def normalised(x: Tensor) -> Tensor:
    """Root-mean-square normalisation [..., D]; the gain is left to the linear layer that always follows."""
    return nn.functional.rms_norm(x, x.shape[-1:])


class Encoding(nn.Module):
    """Normalises features and encodes them in two ways: [R, F] with NaN -> [2, R, F].

    Clipped z-scores keep distances, their hyperbolic tangent keeps the middle apart and tells tails only by sign;
    members that see different encodings err differently. An undefined feature is its mean; counts tell it apart.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        both = x.new_empty(2, *x.shape)
        torch.sub(x, self.centre, out=both[0]).div_(self.scale).nan_to_num_(0.0).clamp_(-4, 4)
        torch.tanh(both[0], out=both[1])
        return both


class MemberInput(nn.Module):
    """The first layer: [2, R, F] -> [E, R, D]; the first half of the members reads the first encoding."""

    def __init__(self, members: int, features: int, width: int) -> None:
        super().__init__()
        self.members, self.width = members, width
        self.layer = MemberLinear(2, features, members // 2 * width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)  # [2, R, E/2 * D]
        rows = out.shape[1]
        out = out.view(2, rows, self.members // 2, self.width).transpose(1, 2)
        return out.reshape(self.members, rows, self.width)
