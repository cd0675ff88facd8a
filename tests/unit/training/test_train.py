"""From recordings to a checkpoint, its predictions and its scores."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from lemof_stream.cohorts import read_cohort
from lemof_stream.errors import DataError
from lemof_stream.model import TASK_SETS, load_checkpoint
from lemof_stream.training.evaluate import evaluate
from lemof_stream.training.predict import predict, write_predictions
from lemof_stream.training.recipe import TrainingConfig, as_dict, default_config, read_config
from lemof_stream.training.resume import Saved, SavedStages
from lemof_stream.training.train import read_evaluation, train
from tests.recorded_stays import HOURS, write_stays

STAYS = 240


def short(**changes: Any) -> TrainingConfig:
    """The default recipe with few trees and small batches."""
    config = default_config("physionet2012")
    return TrainingConfig(
        architecture=replace(config.architecture, trees=60),
        recipe=replace(config.recipe, **({"epochs": 8, "fusion_epochs": 8, "stays_a_batch": 32} | changes)),
    )


def no_progress(stage: str, share: float) -> None:
    assert stage
    assert 0 <= share <= 1


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained on 240 stays of six hours."""
    folder = tmp_path_factory.mktemp("trained")
    cohort = read_cohort("physionet2012", write_stays(folder / "data", STAYS))
    train(cohort, folder / "out", short(), no_progress)
    return folder / "out"


def test_training_finds_what_decides_the_outcome(checkpoint: Path) -> None:
    held_out = load_checkpoint(checkpoint).card["metrics"]["out_of_fold"]
    assert held_out["stays"] == STAYS // 2
    assert held_out["hours"]["6"]["all"]["death"]["auroc"]["value"] > 0.9


def test_training_sets_the_temperatures_that_the_card_names(checkpoint: Path) -> None:
    predictor = load_checkpoint(checkpoint)
    served = predictor.model.decision.temperature.tolist()
    assert served == list(predictor.card["calibration"]["temperature"].values())
    assert 1.0 not in served


def test_training_writes_a_card_and_a_checklist_to_read(checkpoint: Path) -> None:
    card = (checkpoint / "MODEL_CARD.md").read_text()
    assert "Research use, not a medical device" in card
    assert "Not done for this checkpoint." in card  # no other stays were scored
    items = [line for line in (checkpoint / "TRIPOD_AI.md").read_text().splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in items[1:]] == [f"| {n}" for n in range(1, 28)]


def test_what_is_written_to_read_may_be_changed(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "copy")
    (tmp_path / "copy" / "MODEL_CARD.md").write_text("noted in pencil")
    assert load_checkpoint(tmp_path / "copy").info == load_checkpoint(checkpoint).info


def test_the_same_seed_gives_the_same_weights_whatever_another_training_left(
    checkpoint: Path, tmp_path: Path
) -> None:
    cohort = read_cohort("physionet2012", write_stays(tmp_path / "data", STAYS))
    SavedStages(tmp_path / "out", "of another recipe").save("2_fusion", Saved({}, {}))
    notices: list[str] = []
    again = train(cohort, tmp_path / "out", short(), no_progress, notice=notices.append)
    assert "starting anew" in notices[0]
    assert again.sha256 == load_checkpoint(checkpoint).info.sha256


def test_the_record_tells_how_it_was_trained(checkpoint: Path) -> None:
    record = checkpoint / "record"
    assert read_config("physionet2012", record / "recipe.toml") == short()
    with (record / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows if row["stage"] == "2 fusion"][:2] == ["1", "2"]
    assert float(rows[-1]["validation_loss"]) < float(rows[0]["validation_loss"]) * 2
    facts = json.loads((record / "record.json").read_text())
    assert (facts["data"]["stays"], facts["data"]["held_out_stays"]) == (STAYS, STAYS // 2)
    assert len(facts["data"]["sha256"]) == 64
    assert set(facts["seconds"]) == {
        "0 features",
        "1 boosted level",
        "1 level stacking",
        "2 fusion",
        "3 decision",
    }


def test_nothing_of_an_unfinished_training_is_left(checkpoint: Path) -> None:
    assert {path.name for path in checkpoint.iterdir()} == {
        "SHA256SUMS", "card.json", "model.safetensors", "MODEL_CARD.md", "TRIPOD_AI.md", "record"
    }  # fmt: skip


def test_the_card_keeps_the_recipe_whole(checkpoint: Path) -> None:
    card = load_checkpoint(checkpoint).card
    assert {"architecture": card["architecture"], "recipe": card["recipe"]} == as_dict(short())


def test_predictions_have_one_row_a_step_and_need_no_outcomes(checkpoint: Path, tmp_path: Path) -> None:
    cohort = read_cohort("physionet2012", write_stays(tmp_path / "data", 5, outcomes=False))
    write_predictions(predict(load_checkpoint(checkpoint), cohort), tmp_path / "out" / "p.parquet")
    table = pq.read_table(tmp_path / "out" / "p.parquet")
    assert table.column_names == ["stay_id", "step_end_min", *TASK_SETS["physionet2012"].columns]
    assert table["stay_id"].to_pylist()[: HOURS + 1] == ["140000"] * HOURS + ["140001"]
    assert table["step_end_min"].to_pylist()[:HOURS] == [60 * k for k in range(1, HOURS + 1)]


def test_scores_without_outcomes_are_none(checkpoint: Path, tmp_path: Path) -> None:
    cohort = read_cohort("physionet2012", write_stays(tmp_path / "data", 5, outcomes=False))
    scores = evaluate(predict(load_checkpoint(checkpoint), cohort), cohort)
    assert scores["hours"]["6"]["all"]["death"]["auroc"]["value"] is None


def test_too_few_outcomes_are_refused(tmp_path: Path) -> None:
    cohort = read_cohort("physionet2012", write_stays(tmp_path / "data", 5))
    with pytest.raises(DataError, match="fewer than"):
        train(cohort, tmp_path / "out", short(), no_progress)


def test_a_file_that_holds_no_scores_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(DataError, match="no scores"):
        read_evaluation(tmp_path / "x.json")
