"""Ridge logistic regression by Newton's method: the meta-learners and the integrated decision.

R rows, P weights, K tasks
"""

import torch
from torch import Tensor

NEWTON_STEPS = 12
"""Convex and nearly quadratic from this start: it stands still after six or so."""
LONGEST_STEP = 1.0
"""Of a weight: where outcomes are nearly separable, a full step overshoots to where nothing has a slope."""
BIAS_RIDGE = 1e-6
"""The bias is free, but its curvature is never nil."""


def ridge_logistic(x: Tensor, target: Tensor, start: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
    """Weights [P, K] and bias [K] of x [P, R, K] on target [R, K], pulled towards `start` [P, K] (Newton's method)."""
    columns = [
        _ridge_logistic(x[:, :, k].T, target[:, k], start[:, k], ridge) for k in range(target.shape[1])
    ]
    found = torch.stack(columns, 1)
    return found[:-1], found[-1]


def _ridge_logistic(x: Tensor, target: Tensor, start: Tensor, ridge: float) -> Tensor:
    """One task: x [R, P] -> [P + 1], the bias last and all but free."""
    known = ~target.isnan()
    rows = torch.cat([x[known], torch.ones(int(known.sum()), 1, dtype=x.dtype)], 1)
    goal = torch.cat([start, torch.zeros(1, dtype=x.dtype)])
    pull = torch.full_like(goal, ridge)
    pull[-1] = BIAS_RIDGE
    found = goal.clone()
    for _ in range(NEWTON_STEPS):
        p = (rows @ found).sigmoid()
        slope = rows.T @ (p - target[known]) / len(rows) + pull * (found - goal)
        curve = (rows.T * (p * (1 - p))) @ rows / len(rows) + torch.diag(pull)
        step = torch.linalg.solve(curve, slope)
        found = found - step * (LONGEST_STEP / step.abs().max().clamp(min=LONGEST_STEP))
    return found
