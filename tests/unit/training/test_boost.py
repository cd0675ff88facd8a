"""The boosted level holds XGBoost's trees."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from lemof_stream.model import TASK_SETS, Architecture, InputSchema, LeMoF
from lemof_stream.training import boost
from lemof_stream.training.batches import Prepared
from lemof_stream.training.recipe import default_config

STAYS, STEPS, TREES = 60, 6, 30


def prepared(model: LeMoF, tasks: int) -> Prepared:
    """Stays whose outcomes lie in a vital sign that is often unknown, and in whether it is."""
    random = torch.Generator().manual_seed(0)
    vitals, ehr = (torch.randn(STAYS, STEPS, width, generator=random) for width in model.features.widths)
    chance = (2 * vitals[..., :1]).sigmoid()
    vitals[torch.rand(vitals.shape, generator=random) < 0.4] = torch.nan
    target = (torch.rand(STAYS, STEPS, tasks, generator=random) < chance).double()
    vitals, ehr = (torch.stack([part, part]).half() for part in (vitals, ehr))
    seen = torch.ones(2, STAYS, STEPS, 2, dtype=torch.bool)
    person = torch.arange(STAYS)
    return Prepared(vitals, ehr, seen, target, person % 12, person, 6, steady=False)


def test_every_stay_gives_the_same_share_of_its_steps() -> None:
    model = LeMoF(InputSchema(), TASK_SETS["sepsis2019"], Architecture(trees=TREES))
    data, last = prepared(model, 1), torch.arange(STAYS) % STEPS
    data.target[torch.arange(STEPS) > last.unsqueeze(1)] = torch.nan
    recipe = replace(default_config("sepsis2019").recipe, boosted_rows=int(data.known().sum()) // 2)
    stay, step, _ = boost.draw_rows(data, recipe)
    assert bool((step <= last[stay]).all())
    wanted = torch.minimum(last + 1, ((last + 1) / 2).ceil().clamp(min=boost.FEWEST_STEPS))
    assert stay.bincount().tolist() == wanted.tolist()


@pytest.mark.parametrize("cohort", ["physionet2012", "sepsis2019"])
def test_the_level_says_what_xgboost_says(cohort: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = TASK_SETS[cohort]
    model = LeMoF(InputSchema(), tasks, Architecture(trees=TREES))
    fitted: list[Any] = []
    own = boost._fit

    def kept(*arguments: Any) -> Any:
        fitted.append(own(*arguments))
        return fitted[-1]

    monkeypatch.setattr(boost, "_fit", kept)
    data = prepared(model, len(tasks.names))
    # So few rows must split.
    recipe = replace(default_config(cohort).recipe, boosted_share=1.0, boosted_leaf=10.0)
    held_out = boost.fit_boosted(model, data, recipe, lambda *_: None)
    x = torch.cat([data.vitals[0], data.ehr[0]], -1).flatten(0, 1).float()
    said = fitted[-1].inplace_predict(x.numpy(), predict_type="margin").reshape(len(x), -1)
    found = model.boosted(*torch.split(x, model.features.widths, 1))
    assert found.std() > 0.1
    np.testing.assert_allclose(found.numpy(), said, atol=1e-5)
    assert held_out.isnan().any(-1).float().mean() == 0.5  # half of the folds are learnt from by all
    np.testing.assert_allclose(model.boosted.share.sum().item(), 1.0, rtol=1e-6)
