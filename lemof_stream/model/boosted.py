"""The boosted level: gradient-boosted oblivious trees on the running features, as tensors.

    R rows, F features of all modalities, N trees, P splits a tree (its depth), K tasks

Trees and networks err differently, so the integrated decision holds one level of trees beside the networks' levels. All
nodes of one depth of an oblivious tree ask the same question and every leaf holds a value for each task, so a tree is
P comparisons and one look-up, and nothing but PyTorch is needed to serve it. An undefined feature answers no.

Trees jump at their thresholds, so step and whole stay agree only because the features agree to the last bit (see
`channels.GRID`).
"""

import torch
from torch import Tensor, nn

ROWS = 256
"""Asked at once: what is held between two questions stays in the processor's second cache."""
DEEPEST = 8
"""Splits a tree: the place of a leaf within it is one byte."""


class BoostedLevel(nn.Module):
    """`feature`, `threshold` [P, N]; `leaf` [N * 2^P, K], the first question being the lowest bit; `bias` [K].

    `share` [M]: how much of the splits' gain each modality holds.
    """

    feature: Tensor
    threshold: Tensor
    leaf: Tensor
    bias: Tensor
    share: Tensor
    first: Tensor

    def __init__(self, trees: int, depth: int, tasks: int, modalities: int) -> None:
        super().__init__()
        if depth > DEEPEST:
            raise ValueError(f"trees of depth {depth} are deeper than {DEEPEST}")
        self.register_buffer("feature", torch.zeros(depth, trees, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(depth, trees))
        self.register_buffer("leaf", torch.zeros(trees << depth, tasks))
        self.register_buffer("bias", torch.zeros(tasks))
        self.register_buffer("share", torch.full((modalities,), 1 / modalities))
        first = torch.arange(trees, dtype=torch.int32) << depth
        self.register_buffer("first", first, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[R, F] with NaN -> logits [R, K]."""
        if not len(self.first):
            return self.bias.expand(len(x), -1)
        return torch.cat([self._sum(rows) for rows in torch.split(x, ROWS)]) + self.bias

    def _sum(self, x: Tensor) -> Tensor:
        """[r, F] -> the sum of all trees' leaves [r, K]."""
        columns = x.T.contiguous()  # a feature's values side by side: each question reads one run of memory
        place = torch.zeros(self.feature.shape[1], len(x), dtype=torch.uint8)  # of the leaf within its tree
        for bit, (feature, threshold) in enumerate(zip(self.feature, self.threshold, strict=True)):
            yes = columns.index_select(0, feature) > threshold.unsqueeze(1)
            place.add_(yes.view(torch.uint8), alpha=1 << bit)
        leaf = place.T.contiguous() + self.first
        return nn.functional.embedding_bag(leaf, self.leaf, mode="sum")
