"""Calibration: what the temperatures find, and that they help on stays that nothing was fitted on."""

import torch
from torch import Tensor

from lemof_stream.model import TASK_SETS, Architecture, InputSchema, LeMoF
from lemof_stream.model.duration import Duration
from lemof_stream.model.encoders import DILATIONS
from lemof_stream.training.fit import (
    decision_logits,
    fit_decision,
    fit_duration,
    fit_interval,
    fit_temperature,
)
from lemof_stream.training.metrics import calibration_error
from lemof_stream.training.out_of_fold import OutOfFold

TASKS = 4
STAYS = TASK_SETS["physionet2012"]


def held_out(stays: int, steps: int, seed: int) -> OutOfFold:
    """Every level, and the fusion, knows the truth with noise of its own a stay; the target follows the truth."""
    random = torch.Generator().manual_seed(seed)

    def noise(*levels: int) -> Tensor:
        own = torch.randn(*levels, stays, TASKS, generator=random, dtype=torch.float64)
        return own.repeat_interleave(steps, -2)

    truth = noise()
    target = (torch.rand(stays, TASKS, generator=random) < truth[::steps].sigmoid()).double()
    z = [truth + 2 * noise(count) for count in (len(DILATIONS), Architecture().ehr_levels)]
    seen = torch.ones(stays * steps, 2, dtype=torch.bool)
    stay, step = torch.arange(stays).repeat_interleave(steps), torch.arange(steps).repeat(stays)
    target = target.repeat_interleave(steps, 0)
    return OutOfFold(stay, step, stay, z, truth + 2 * noise(), truth + 2 * noise(), seen, target)


def errors(logits: Tensor, target: Tensor) -> list[float]:
    """Calibration error of each task."""
    weight = torch.ones(1, len(target)).double().numpy()
    return [
        float(calibration_error(target[:, k].numpy(), logits[:, k].sigmoid().numpy(), weight)[0])
        for k in range(TASKS)
    ]


def test_a_temperature_is_how_much_too_sure_the_logits_are() -> None:
    torch.manual_seed(0)
    honest = torch.randn(40_000, 2).double()
    target = (torch.rand(40_000, 2) < honest.sigmoid()).double()
    target[:100, 0] = torch.nan
    found = fit_temperature(honest * torch.tensor([2.0, 0.5]), target)
    torch.testing.assert_close(found, torch.tensor([2.0, 0.5]).double(), rtol=0.05, atol=0)


def test_the_decision_is_calibrated_on_stays_it_was_not_fitted_on() -> None:
    model = LeMoF(InputSchema(), STAYS, Architecture())
    few, many = held_out(60, 2, 0), held_out(20_000, 1, 1)
    fit_decision(model, few)  # so few that the weights suit them too well
    raw = decision_logits(model, many)
    assert bool((model.decision.temperature > 1.05).all())
    before, after = errors(raw, many.target), errors(raw / model.decision.temperature, many.target)
    assert sum(after) < sum(before)


def test_the_logits_of_held_out_stays_are_what_the_temperature_makes_of_them() -> None:
    model = LeMoF(InputSchema(), STAYS, Architecture())
    rows = held_out(2_000, 2, 0)
    logits = fit_decision(model, rows)
    served = decision_logits(model, rows) / model.decision.temperature
    assert (logits - served).abs().mean() < 0.1  # the other parts find nearly the same weights
    assert not torch.equal(logits, served)
    assert not torch.equal(model.decision.temperature, torch.ones(TASKS).double())


def test_an_interval_is_fitted_for_each_band_of_hours() -> None:
    torch.manual_seed(0)
    duration = Duration((3.0, 7.0, 14.0))
    days = torch.rand(40_000).double() * 30 + 0.5
    fit_duration(duration, days)
    beyond = torch.tensor([0.9, 0.75, 0.52]).double().expand(len(days), -1)
    hours = torch.where(torch.arange(len(days)) % 2 == 0, 3.0, 40.0).double()
    truth = torch.where(hours < 6, days, 15 + (days - 15) / 10)  # late, what is left is better known
    fit_interval(duration, beyond, torch.zeros_like(hours), hours, truth)
    weight = duration.weights(beyond, torch.zeros_like(hours))
    point = duration.expected(weight, torch.zeros_like(hours))
    low, high = duration.bounds(weight, torch.zeros_like(hours), hours, point)
    inside = (truth >= low) & (truth <= high)
    for early in (True, False):
        assert 0.78 < inside[(hours < 6) == early].double().mean() < 0.86
    assert (high - low)[hours < 6].mean() > 2 * (high - low)[hours > 6].mean()
