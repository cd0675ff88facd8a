"""Every rival learns, on the same stays."""

from dataclasses import replace

import pyarrow as pa
import pytest

from lemof_stream.cohorts import Cohort
from lemof_stream.training.evaluate import evaluate
from lemof_stream.training.recipe import default_config
from lemof_stream.training.rivals import boosting
from lemof_stream.training.rivals.catalogue import RIVALS
from lemof_stream.training.rivals.trained import Ready, Unseen, train_rival

SHORT = replace(default_config("physionet2012").recipe, epochs=3, fusion_epochs=3, stays_a_batch=20)
BLIND = {"vitals alone": "los_gt_7", "ehr alone": "death"}
"""What a modality alone cannot know."""


def predicted(name: str, ready: Ready, unseen: Unseen) -> pa.Table:
    trained = train_rival(name, ready, SHORT, lambda stage, share: None)  # noqa: ARG005
    return trained.predictions(unseen)


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boosting, "MOST_ROUNDS", 30)
    monkeypatch.setattr(boosting, "TRIALS", 1)


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_finds_in_unseen_stays_what_its_modalities_tell(
    name: str, ready: Ready, unseen: Unseen, others: Cohort
) -> None:
    scores = evaluate(predicted(name, ready, unseen), others)["hours"]["6"]["all"]
    for task in ("death", "los_gt_7"):
        found = scores[task]["auroc"]["value"]
        assert found < 0.75 if BLIND.get(name) == task else found > 0.9


@pytest.mark.parametrize("name", ["lemof networks", "late fusion", "logistic regression", "lightgbm"])
def test_the_same_seed_gives_the_same_predictions(name: str, ready: Ready, unseen: Unseen) -> None:
    assert predicted(name, ready, unseen).equals(predicted(name, ready, unseen))


def test_a_prediction_has_a_row_a_stay_and_step(ready: Ready, unseen: Unseen, others: Cohort) -> None:
    table = predicted("early fusion", ready, unseen)
    assert table["stay_id"].to_pylist() == [stay_id for stay_id in others.stay_ids for _ in range(6)]
    assert table["step_end_min"].to_pylist()[:6] == [60, 120, 180, 240, 300, 360]
