"""Predictions of stays by what never learnt from them: all that weighs or calibrates is fitted on these.

N stays, n held out, T steps, R known steps of the held-out stays, L levels, K tasks, M modalities
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.batches import Prepared


@dataclass(frozen=True)
class OutOfFold:
    """Logits of R known steps: z per modality [L, R, K], boosted and fused [R, K]; seen [R, M], target [R, K].

    stay [R]: row of the training data; step [R]: from 0; person [R]
    """

    stay: Tensor
    step: Tensor
    person: Tensor
    z: list[Tensor]
    boosted: Tensor
    fused: Tensor
    seen: Tensor
    target: Tensor

    def take(self, rows: Tensor) -> "OutOfFold":
        """Rows that a mask [R] chooses."""
        own = (self.boosted, self.fused, self.seen, self.target)
        boosted, fused, seen, target = (tensor[rows] for tensor in own)
        place = (self.stay[rows], self.step[rows], self.person[rows])
        return OutOfFold(*place, [z[:, rows] for z in self.z], boosted, fused, seen, target)


def held_out_stays(data: Prepared) -> Tensor:
    """Stays [n] that one member never learnt from, and that have a known step."""
    return torch.nonzero((data.fold < data.members) & data.known().any(1)).flatten()


def out_of_fold(model: LeMoF, data: Prepared, boosted: Tensor) -> OutOfFold:
    """Predict every known step of each held-out stay by the member whose fold it is; `boosted` [N, T, K] is given."""
    model.eval()
    steps, known = data.target.shape[1], data.known()
    parts = []
    with torch.no_grad():
        for stays in torch.split(held_out_stays(data), 128):  # bounds memory at some 300 MB
            features = data.batch(stays, torch.arange(steps).expand(len(stays), -1), torch.zeros_like(stays))
            levels = model.encode(features, steps)
            rows = known[stays].flatten().nonzero().flatten()
            stay, step = stays[rows // steps], rows % steps
            member = data.fold[stay]
            parts.append(
                OutOfFold(
                    stay,
                    step,
                    data.person[stay],
                    [
                        heads(own)[:, member, rows].double()
                        for heads, own in zip(model.heads, levels, strict=True)
                    ],
                    boosted[stay, step],
                    model.fusion(levels, features.seen)[member, rows].double(),
                    features.seen[rows],
                    data.target[stay, step],
                )
            )
    return _joined(parts)


def _joined(parts: list[OutOfFold]) -> OutOfFold:
    flat = {
        name: torch.cat([getattr(part, name) for part in parts])
        for name in ("stay", "step", "person", "boosted", "fused", "seen", "target")
    }
    z = [torch.cat(own, 1) for own in zip(*(part.z for part in parts), strict=True)]
    return OutOfFold(**flat, z=z)
