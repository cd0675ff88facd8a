"""Causal Transformer with a sliding attention window over the stay, stepped with a ring of keys and values.

E members, B rows, T steps, F features, D width, H heads, W window, N = T / W chunks of a stay, rounded up
"""

import math

import torch
from torch import Tensor, nn

from lemof_stream.model.encoders.feed_forward import GatedFeedForward, heads_of
from lemof_stream.model.encoders.protocol import TemporalEncoder
from lemof_stream.model.inputs import State
from lemof_stream.model.members import Dropout, MemberInput, MemberLinear, normalised

BLOCKS = 3
"""The fewest that leave a middle level to choose; 8 D² weights each (a block of the TCN has 2 D²)."""
WINDOW = 12
"""Steps that a block attends to, its own included: with three blocks the last looks 33 steps back, and a slot's
state stays below 50 kB."""
HEADS = 2


class SlidingAttention(nn.Module):
    """Attention to the last W steps, whose scores depend on the distance, never on the place in the stay.

    `bias` [E, H, W] by distance is learned from ALiBi's slopes (Press et al. 2022) on.
    """

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        self.members, self.head = members, heads_of(width, HEADS)
        self.qkv = MemberLinear(members, width, 3 * width)
        self.out = MemberLinear(members, width, width)
        slope = 2.0 ** (-8 * torch.arange(1, HEADS + 1) / HEADS)
        self.bias = nn.Parameter((-slope.unsqueeze(1) * torch.arange(WINDOW)).repeat(members, 1, 1))

    def forward(self, x: Tensor, steps: int) -> Tensor:
        """Whole stays: [E, B * T, D] -> [E, B * T, D]. Chunks of W steps see themselves and the chunk before, so
        that the cost is linear in T.
        """
        fill = -steps % WINDOW
        qkv = self.qkv(x).view(self.members, -1, steps, 3, HEADS, self.head)
        query, key, value = qkv.permute(3, 0, 4, 1, 2, 5)  # [E, H, B, T, D / H] each
        query = nn.functional.pad(query, (0, 0, 0, fill))
        query = query.view(*query.shape[:3], -1, WINDOW, self.head)
        key, value = (  # [E, H, B, N, D / H, 2 W]
            nn.functional.pad(part, (0, 0, WINDOW, fill)).unfold(3, 2 * WINDOW, WINDOW)
            for part in (key, value)
        )
        scores = query @ key / math.sqrt(self.head) + self._chunk_bias(query.shape[3])
        mixed = scores.softmax(-1) @ value.transpose(-1, -2)  # [E, H, B, N, W, D / H]
        mixed = mixed.flatten(3, 4)[:, :, :, :steps].permute(0, 2, 3, 1, 4)
        out: Tensor = self.out(mixed.reshape(x.shape))
        return out

    def _chunk_bias(self, chunks: int) -> Tensor:
        """Bias of a chunk's steps on those of the chunk before and its own: [E, H, 1, N, W, 2 W]."""
        at = torch.arange(2 * WINDOW, device=self.bias.device)
        distance = WINDOW + at[:WINDOW].unsqueeze(1) - at
        bias = self.bias[:, :, distance.clamp(0, WINDOW - 1)]
        beyond = (distance < 0) | (distance >= WINDOW)
        before_stay = (torch.arange(chunks, device=at.device) == 0).view(-1, 1, 1) & (at < WINDOW)
        return bias.view(self.members, HEADS, 1, 1, WINDOW, -1).masked_fill(beyond | before_stay, -math.inf)

    def step(self, x: Tensor, ring: Tensor, taken: Tensor) -> tuple[Tensor, Tensor]:
        """[E, B, D] and ring [B, W - 1, E, 2, D] -> [E, B, D] and ring; `taken` [B]: steps before this one."""
        rows, width = x.shape[1:]
        now = self.qkv(x).transpose(0, 1).reshape(rows, self.members, 3, width)
        window = torch.cat([ring, now[:, :, 1:].unsqueeze(1)], 1)
        key, value = window.view(rows, WINDOW, self.members, 2, HEADS, self.head).unbind(3)
        query = now[:, None, :, 0].view(rows, 1, self.members, HEADS, self.head)
        scores = (query * key).sum(-1) / math.sqrt(self.head) + self.bias.flip(2).permute(2, 0, 1)
        before_stay = torch.arange(WINDOW - 1, -1, -1, device=taken.device) > taken.unsqueeze(1)  # [B, W]
        weight = scores.masked_fill(before_stay.view(rows, WINDOW, 1, 1), -math.inf).softmax(1)
        mixed = (weight.unsqueeze(-1) * value).sum(1).view(rows, self.members, width)
        return self.out(mixed.transpose(0, 1)), window[:, 1:]


class Block(nn.Module):
    """Attention, then the feed-forward network, each on normalised inputs and added to them."""

    def __init__(self, members: int, width: int, dropout: float) -> None:
        super().__init__()
        self.attention = SlidingAttention(members, width)
        self.feed_forward = GatedFeedForward(members, width)
        self.drop = Dropout(dropout)

    def forward(self, x: Tensor, steps: int) -> Tensor:
        """[E, B * T, D] -> [E, B * T, D]."""
        h = x + self.drop(self.attention(normalised(x), steps))
        out: Tensor = h + self.drop(self.feed_forward(normalised(h)))
        return out

    def step(self, x: Tensor, ring: Tensor, taken: Tensor) -> tuple[Tensor, Tensor]:
        """[E, B, D] -> [E, B, D], and the attention's ring."""
        mixed, after = self.attention.step(normalised(x), ring, taken)
        h = x + mixed
        return h + self.feed_forward(normalised(h)), after


class VitalsTransformer(TemporalEncoder):
    """Each block a level: [2, B * T, F] -> 3 levels [E, B * T, D]."""

    def __init__(self, members: int, features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.members, self.levels, self.width = members, BLOCKS, width
        self.input = MemberInput(members, features, width)
        self.blocks = nn.ModuleList(Block(members, width, dropout) for _ in range(BLOCKS))
        self.drop_in = Dropout(dropout / 2)

    def initial_state(self, rows: int) -> State:
        """One ring of keys and values a block, the oldest step first: [B, W - 1, E, 2, D]; `attended` [B], how many
        of its steps are the stay's.
        """
        shape = rows, WINDOW - 1, self.members, 2, self.width
        rings = {f"attention_{i}": torch.zeros(shape) for i in range(1, BLOCKS + 1)}
        return rings | {"attended": torch.zeros(rows)}

    def forward(self, x: Tensor, steps: int) -> list[Tensor]:
        h = self.input(self.drop_in(x))
        levels = []
        for block in self.blocks:
            h = block(h, steps)
            levels.append(h)
        return levels

    def step(self, x: Tensor, state: State) -> tuple[list[Tensor], State]:
        h, taken = self.input(x), state["attended"]
        levels, after = [], {"attended": (taken + 1).clamp(max=WINDOW - 1)}
        for i, block in enumerate(self.blocks, 1):
            assert isinstance(block, Block)
            h, after[f"attention_{i}"] = block.step(h, state[f"attention_{i}"], taken)
            levels.append(h)
        return levels, after
