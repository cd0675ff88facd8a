"""How much less the mean of the members, which is served, varies than the single members that calibration knows.

E members, R rows, K tasks

A stay that is held out is predicted by one member; its logit is the common signal, of variance V, and an error of that
member's own, of variance s2. Averaging E members leaves s2 / E, so by the attenuation of a regression on a noisy
predictor (Spearman 1904; Carroll et al., Measurement Error in Nonlinear Models, 2006) what is calibrated for one member
is too flat for their mean by (V + s2) / (V + s2 / E). V + s2 is the variance of the held-out logits; s2 is the variance
between members on stays that all of them learnt from, which needs nobody's outcome.
"""

import torch
from torch import Tensor

from lemof_stream.model.lemof import LeMoF
from lemof_stream.training.batches import Prepared

STAYS = 300
"""That s2 is estimated on: some 10^4 steps."""


def sharpen(model: LeMoF, data: Prepared, calibrated: Tensor) -> None:
    """Spread the decision's logits around their mean by what averaging takes; `calibrated` [R, K] are held out."""
    decision = model.decision
    factor = spread_lost(calibrated.var(0), member_logits(model, data).var(0).mean(0), data.members)
    decision.temperature.div_(factor)
    decision.bias.add_(calibrated.mean(0) * (1 - factor) * decision.temperature)


def spread_lost(single: Tensor, between: Tensor, members: int) -> Tensor:
    """Variance of single members' logits [K] and between members [K] -> by what factor [K] their mean is too flat."""
    return single / (single - between * (1 - 1 / members))


def member_logits(model: LeMoF, data: Prepared) -> Tensor:
    """Every member's calibrated logits [E, R, K] of stays that all learnt from, without the trees, which they share."""
    model.eval()
    steps, known, found = data.target.shape[1], data.known(), []
    common = torch.nonzero((data.fold >= data.members) & known.any(1)).flatten()[:STAYS]
    with torch.no_grad():
        for stays in torch.split(common, 128):  # bounds memory at some 300 MB
            features = data.batch(stays, torch.arange(steps).expand(len(stays), -1), torch.zeros_like(stays))
            levels = model.encode(features, steps)
            rows = known[stays].flatten().nonzero().flatten()
            z = [heads(own)[:, :, rows].double() for heads, own in zip(model.heads, levels, strict=True)]
            fused = model.fusion(levels, features.seen)[:, rows].double()
            found.append(
                torch.stack(
                    [
                        _logits(model, [own[:, e] for own in z], fused[e], features.seen[rows])
                        for e in range(data.members)
                    ]
                )
            )
    return torch.cat(found, 1)


def _logits(model: LeMoF, z: list[Tensor], fused: Tensor, seen: Tensor) -> Tensor:
    g = torch.stack([meta(own) for meta, own in zip(model.metas, z, strict=True)], 1)
    decision = model.decision
    return decision.combine(decision.parts(g, torch.zeros_like(fused), fused, seen)) / decision.temperature
