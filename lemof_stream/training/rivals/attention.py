"""Published fusions by attention between the modalities' tokens.

    E members, R rows, M modalities, P tokens of a modality, Q queries, H width of a token, K tasks

A step's last level is one vector, so each modality's tokens are `TOKENS` learnt projections of it.
"""

import math

import torch
from torch import Tensor, nn

from lemof_stream.model.members import MemberLinear, normalised
from lemof_stream.training.rivals.fusions import Fusion, masked_mean

TOKENS = 4
"""A modality: attention needs some to choose among; more cost time and parameters that the width then lacks."""
LAYERS = 2
BOTTLENECKS = 2
"""Nagrani et al. took 4 for hundreds of tokens and found their number to matter little."""


class Tokens(nn.Module):
    """A modality's last level [E, R, D] -> tokens [E, R, P, H]."""

    def __init__(self, members: int, width: int, hidden: int) -> None:
        super().__init__()
        self.map = MemberLinear(members, width, TOKENS * hidden)

    def forward(self, level: Tensor) -> Tensor:
        tokens: Tensor = self.map(normalised(level))
        return tokens.view(*tokens.shape[:2], TOKENS, -1)


class AttentionBlock(nn.Module):
    """A pre-norm transformer block: queries [E, R, Q, H] attend to keys [E, R, P, H]; `present` [R, P]: which count."""

    def __init__(self, members: int, hidden: int, drop: nn.Dropout) -> None:
        super().__init__()
        self.query = MemberLinear(members, hidden, hidden)
        self.key_value = MemberLinear(members, hidden, 2 * hidden)
        self.out = MemberLinear(members, hidden, hidden)
        self.inner = MemberLinear(members, hidden, 2 * hidden)
        self.outer = MemberLinear(members, 2 * hidden, hidden)
        self.drop = drop

    def forward(self, queries: Tensor, keys: Tensor, present: Tensor) -> Tensor:
        query = each(self.query, normalised(queries))
        key, value = each(self.key_value, normalised(keys)).chunk(2, -1)
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])  # [E, R, Q, P]
        scores = scores + (present.float().unsqueeze(1) - 1) * 1e4
        found = each(self.out, scores.softmax(-1) @ value)
        h: Tensor = queries + self.drop(found * present.any(1).view(1, -1, 1, 1))
        change: Tensor = self.drop(each(self.outer, nn.functional.silu(each(self.inner, normalised(h)))))
        return h + change


def each(layer: nn.Module, tokens: Tensor) -> Tensor:
    """A member's layer on every token [E, R, P, H]."""
    flat: Tensor = layer(tokens.flatten(1, 2))
    return flat.view(*tokens.shape[:3], -1)


def presence(seen: Tensor, modality: int, tokens: int) -> Tensor:
    """[R, tokens] whether a modality's tokens count."""
    return seen[:, modality : modality + 1].expand(-1, tokens)


class MulT(Fusion):
    """MulT (Tsai et al. 2019): either modality's tokens attend to the other's, then to their own; the means of both are
    concatenated. The unseen is masked out of attention and filled with zeros in the concatenation.
    """

    def build(self) -> None:
        self.tokens = nn.ModuleList(Tokens(self.members, width, self.hidden) for width in self.widths)
        self.crosses = nn.ModuleList(self._block() for _ in self.widths)
        self.selves = nn.ModuleList(self._block() for _ in self.widths)
        self.head = self.linear(len(self.widths) * self.hidden, self.tasks)

    def _block(self) -> AttentionBlock:
        return AttentionBlock(self.members, self.hidden, self.drop)

    def forward(self, levels: list[Tensor], seen: Tensor) -> Tensor:
        tokens = [make(level) for make, level in zip(self.tokens, levels, strict=True)]
        ends = []
        for m, (cross, own) in enumerate(zip(self.crosses, self.selves, strict=True)):
            h = cross(tokens[m], tokens[1 - m], presence(seen, 1 - m, TOKENS))
            h = own(h, h, presence(seen, m, TOKENS))
            ends.append(normalised(h.mean(2)) * seen[:, m : m + 1])
        logits: Tensor = self.head(self.drop(torch.cat(ends, -1)))
        return logits


class BottleneckTokens(Fusion):
    """MBT (Nagrani et al. 2021): each modality's tokens attend to themselves and to a few shared tokens, which alone
    carry anything across; logits are averaged over modalities. The unseen is masked everywhere.
    """

    def build(self) -> None:
        self.tokens = nn.ModuleList(Tokens(self.members, width, self.hidden) for width in self.widths)
        self.shared = nn.Parameter(torch.randn(self.members, 1, BOTTLENECKS, self.hidden))
        self.layers = [
            [AttentionBlock(self.members, self.hidden, self.drop) for _ in self.widths] for _ in range(LAYERS)
        ]
        self.blocks = nn.ModuleList(block for layer in self.layers for block in layer)  # the same, registered
        self.heads = nn.ModuleList(self.linear(self.hidden, self.tasks) for _ in self.widths)

    def forward(self, levels: list[Tensor], seen: Tensor) -> Tensor:
        tokens = [make(level) for make, level in zip(self.tokens, levels, strict=True)]
        shared = self.shared.expand(-1, len(seen), -1, -1)
        always = torch.ones_like(seen[:, :1]).expand(-1, BOTTLENECKS)
        for layer in self.layers:
            carried = []
            for m, block in enumerate(layer):
                both = torch.cat([tokens[m], shared], 2)
                both = block(both, both, torch.cat([presence(seen, m, TOKENS), always], 1))
                tokens[m], own = both[:, :, :TOKENS], both[:, :, TOKENS:]
                carried.append(own.flatten(2))
            shared = masked_mean(torch.stack(carried, 2), seen.float()).view(shared.shape)
        ends = [head(self.drop(normalised(h.mean(2)))) for head, h in zip(self.heads, tokens, strict=True)]
        return masked_mean(torch.stack(ends, 2), seen.float())
