"""The boosted level: gradient-boosted trees on the running features, as tensors.

    R rows, F features of all modalities, N trees, P their depth, K tasks

Trees and networks err differently, so the integrated decision holds one level of trees beside the networks' levels. A
leaf holds a value for each task: the tasks share every question, and the rare outcomes gain by it. All trees are whole
binary trees of one depth, so that every question of a block of rows is asked at once, and nothing but PyTorch is needed
to serve them.

Trees jump at their thresholds, so step and whole stay agree only because the features agree to the last bit (see
`channels.GRID`).
"""

import torch
from torch import Tensor, nn

from lemof_stream.model.torchscript import scripted

ROWS = 256
"""Asked at once: what is held between two questions stays in the processor's second cache."""
DEEPEST = 8
"""Splits from the root to a leaf: the place of a leaf within its tree is one byte."""


class BoostedLevel(nn.Module):
    """Trees whose nodes lie in the order of their depth: node n's children are 2 n + 1 (no) and 2 n + 2 (yes).

    `feature`, `threshold` [2^P - 1, N]: is the feature above the threshold? An undefined feature answers no. A feature
    of F and more asks for the negative of feature - F, so that of a question and its opposite the one is asked whose
    "no" is where undefined values belong. `leaf` [N * 2^P, K] in the order of the answers, the first being the
    highest bit; `bias` [K].

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
        nodes = (1 << depth) - 1
        self.trees, self.depth = trees, depth
        self.register_buffer("feature", torch.zeros(nodes, trees, dtype=torch.int32))
        self.register_buffer("threshold", torch.full((nodes, trees), torch.inf))
        self.register_buffer("leaf", torch.zeros(trees << depth, tasks))
        self.register_buffer("bias", torch.zeros(tasks))
        self.register_buffer("share", torch.full((modalities,), 1 / modalities))
        first = torch.arange(trees, dtype=torch.int32) << depth
        self.register_buffer("first", first, persistent=False)

    def forward(self, *parts: Tensor) -> Tensor:
        """Features with NaN, parted by modality: [R, Fm] each -> logits [R, K]."""
        if not self.trees:
            return self.bias.expand(parts[0].shape[0], -1)
        leaves = _sum_of_leaves(list(parts), self.feature, self.threshold, self.leaf, self.first, self.depth)
        return leaves + self.bias


@scripted  # how many blocks there are depends on the rows
def _sum_of_leaves(
    parts: list[Tensor],
    feature: Tensor,
    threshold: Tensor,
    leaf: Tensor,
    first: Tensor,
    depth: int,
    rows: int = ROWS,
) -> Tensor:
    """[R, Fm] each -> the sum of all trees' leaves [R, K]."""
    sums = []
    for start in range(0, parts[0].shape[0], rows):
        # A feature's values side by side: each question reads one run of memory.
        some = torch.cat([part[start : start + rows].T for part in parts])
        columns = torch.cat([some, -some])  # [2 F, r]
        path: list[Tensor] = []
        for level in range(depth):
            count = 1 << level
            nodes = feature[count - 1 : 2 * count - 1].flatten()
            limits = threshold[count - 1 : 2 * count - 1].flatten().unsqueeze(1)
            # Compared in floats, then made bytes: a comparison that gives bytes is not vectorised.
            asked = columns.index_select(0, nodes).gt_(limits).to(torch.uint8)
            answers = asked.view(count, -1, columns.shape[1])  # 0 or 1 [2^level, N, r]
            for answer in path:  # of two halves of the nodes, the one that the answer leads to
                no, yes = answers.chunk(2)
                answers = no ^ (answer & (no ^ yes))  # a fifth of what `where` costs
            path.append(answers[0])
        place = path[0]
        for answer in path[1:]:
            place = place * 2 + answer
        sums.append(nn.functional.embedding_bag(place.T.contiguous() + first, leaf, mode="sum"))
    return torch.cat(sums)
