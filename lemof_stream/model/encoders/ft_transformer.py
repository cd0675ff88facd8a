"""FT-Transformer (Gorishniy et al. 2021) on running features.

E members, R rows, F features, A channels, Q statistics a channel, N = A + 2 tokens, D width, H heads, L levels

A token is a channel with all its statistics, not a single feature: attention over some 30 tokens instead of some
450 costs a two-hundredth.
"""

import math

import torch
from torch import Tensor, nn

from lemof_stream.model.encoders.feed_forward import GatedFeedForward, heads_of
from lemof_stream.model.encoders.protocol import PointwiseEncoder
from lemof_stream.model.members import Dropout, MemberInput, MemberLinear, normalised

HEADS = 2


class ChannelTokens(nn.Module):
    """[2, R, F] -> tokens [E, R, N, D]: the class token, the channels, and one for context and demographics.

    Features are statistics of all channels, one statistic after the other, then context and demographics.
    """

    def __init__(self, members: int, features: int, channels: int, statistics: int, width: int) -> None:
        super().__init__()
        self.members, self.channels, self.statistics, self.width = members, channels, statistics, width
        self.maps = MemberLinear(2 * channels, statistics, members // 2 * width)
        self.rest = MemberInput(members, features - channels * statistics, width)
        self.kind = nn.Parameter(torch.empty(members, 1, channels + 2, width))
        nn.init.uniform_(self.kind, -1 / math.sqrt(width), 1 / math.sqrt(width))  # as its authors do

    def forward(self, x: Tensor) -> Tensor:
        rows, half = x.shape[1], self.members // 2
        own, rest = torch.tensor_split(x, [self.channels * self.statistics], 2)
        own = own.reshape(2, rows, self.statistics, self.channels).permute(0, 3, 1, 2)
        tokens = self.maps(own.reshape(2 * self.channels, rows, self.statistics))
        tokens = tokens.view(2, self.channels, rows, half, self.width).permute(0, 3, 2, 1, 4)
        tokens = tokens.reshape(self.members, rows, self.channels, self.width)
        rest = self.rest(rest).unsqueeze(2)
        return torch.cat([torch.zeros_like(rest), tokens, rest], 2) + self.kind


class Block(nn.Module):
    """Attention among the tokens, then the feed-forward network, each on normalised inputs and added to them."""

    def __init__(self, members: int, width: int, dropout: float) -> None:
        super().__init__()
        self.head = heads_of(width, HEADS)
        self.query = MemberLinear(members, width, width)
        self.key_value = MemberLinear(members, width, 2 * width)
        self.out = MemberLinear(members, width, width)
        self.feed_forward = GatedFeedForward(members, width)
        self.drop = Dropout(dropout)

    def forward(self, tokens: Tensor, kept: int) -> Tensor:
        """[E, R, N, D] -> [E, R, kept, D]: all tokens are read, the first `kept` go on."""
        members, rows, _, width = tokens.shape
        x = tokens[:, :, :kept]
        read = normalised(tokens)
        query = self._heads(self.query(read[:, :, :kept].flatten(1, 2)), rows)
        key, value = (self._heads(p, rows) for p in self.key_value(read.flatten(1, 2)).chunk(2, -1))
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)  # [E * R, H, kept, D / H]
        mixed = self.out(mixed.transpose(1, 2).reshape(members, rows * kept, width))
        h = x + self.drop(mixed).view(x.shape)
        own = normalised(h).flatten(1, 2)
        out: Tensor = h + self.drop(self.feed_forward(own)).view(x.shape)
        return out

    def _heads(self, x: Tensor, rows: int) -> Tensor:
        """[E, R * N, D] -> [E * R, H, N, D / H]."""
        return x.reshape(x.shape[0] * rows, -1, HEADS, self.head).transpose(1, 2)


class EhrFTTransformer(PointwiseEncoder):
    """The class token after each block is a level: [2, R, F] -> L levels [E, R, D]."""

    def __init__(
        self,
        members: int,
        features: int,
        channels: int,
        statistics: int,
        width: int,
        levels: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.levels, self.width = levels, width
        self.tokens = ChannelTokens(members, features, channels, statistics, width)
        self.blocks = nn.ModuleList(Block(members, width, dropout) for _ in range(levels))
        self.drop_in = Dropout(dropout / 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        tokens = self.tokens(self.drop_in(x))
        levels = []
        for i, block in enumerate(self.blocks, 1):
            tokens = block(tokens, tokens.shape[2] if i < self.levels else 1)
            levels.append(tokens[:, :, 0])
        return levels
