"""Random stays for the model: gaps, unseen channels, unknown demographics, open steps."""

import torch

from lemof_stream.model import TASK_SETS, Architecture, InputSchema, LeMoF, StepInputs
from lemof_stream.training.augment import SecondView
from lemof_stream.training.prepare import prepare

INPUTS = InputSchema()


def random_stays(rows: int, steps: int, seed: int, schema: InputSchema = INPUTS) -> StepInputs:
    """[rows, steps, ...]: each stay sees its own share of the values; some never see a modality."""
    random = torch.Generator().manual_seed(seed)
    limits = torch.tensor(schema.plausible, dtype=torch.float64)
    low, span = limits[:, 0], limits[:, 1] - limits[:, 0]
    shape = rows, steps, len(schema.channels)

    def draw(*size: int) -> torch.Tensor:
        return torch.rand(*size, generator=random, dtype=torch.float64)

    unseen = draw(*shape) < draw(rows, 1, 1)
    vitals = len(schema.vitals)
    unseen[..., :vitals] |= draw(rows, 1, 1) < 0.1
    unseen[..., vitals:] |= draw(rows, 1, 1) < 0.1
    median, last = (torch.where(unseen, torch.nan, low + span * draw(*shape) ** 2) for _ in range(2))
    known = draw(rows, 1, len(schema.static)) > 0.3
    static = torch.where(known, 60 * draw(rows, 1, len(schema.static)), torch.nan)
    return StepInputs(
        median=median,
        last=last,
        static=static.expand(-1, steps, -1),
        step=torch.arange(1, steps + 1).expand(rows, -1),
        minutes_open=(draw(rows, steps) * 60).clamp(min=1),
    )


def random_model(
    seed: int = 0,
    cohort: str = "physionet2012",
    architecture: Architecture | None = None,
    schema: InputSchema = INPUTS,
) -> LeMoF:
    """A model with every weight drawn at random, its scales fitted as training fits them."""
    torch.manual_seed(seed)
    model = LeMoF(schema, TASK_SETS[cohort], architecture or Architecture())
    stays = random_stays(64, 12, seed, schema)
    tasks = len(model.task_set.names)
    prepare(model, stays, SecondView(stays, stays), torch.zeros(64, 12, tasks), torch.arange(64), seed)
    for meta, best in zip(model.metas, model.fusion.best, strict=True):
        meta.weight.copy_(torch.rand_like(meta.weight))
        meta.background.copy_(torch.randn_like(meta.background))
        best.choose(torch.rand_like(meta.weight), 2)
    decision = model.decision
    for weight in (decision.weight, decision.background, decision.bias):
        weight.copy_(torch.randn_like(weight))
    boosted = model.boosted
    boosted.feature.random_(2 * sum(model.features.widths))
    boosted.threshold.normal_()
    boosted.leaf.normal_(std=0.1)
    if model.readout.duration is not None:
        support = model.readout.duration.support
        support.copy_(torch.linspace(1, 40, support.numel(), dtype=torch.float64).view_as(support))
    return model.eval().requires_grad_(requires_grad=False)
