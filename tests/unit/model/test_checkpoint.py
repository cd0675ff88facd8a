"""A checkpoint that is not what it should be is refused with one sentence; nothing is unpickled."""

import hashlib
import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lemof_stream.contracts.ehr import Demographics
from lemof_stream.errors import CheckpointError
from lemof_stream.model import (
    TASK_SETS,
    Architecture,
    InputSchema,
    load_checkpoint,
    load_for_cohort,
    save_checkpoint,
)
from lemof_stream.model.checkpoint import CARD, SUMS, WEIGHTS
from lemof_stream.model.schema import ADMISSION, STATIC, static_row
from tests.model_streams import random_model, random_stays

PACKAGED_LIMIT = 5_000_000


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(folder, random_model(), {"name": "test", "version": "1"})
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy"))


def edit_card(folder: Path, **changes: Any) -> None:
    """Change the card and sign it again, as somebody who knows how would."""
    card = json.loads((folder / CARD).read_text()) | changes
    (folder / CARD).write_text(json.dumps(card))
    sums = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in (WEIGHTS, CARD)
    ]
    (folder / SUMS).write_text("".join(sums))


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(folder)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_what_was_saved_predicts_the_same_when_loaded(written: Path) -> None:
    predictor, stays = load_checkpoint(written), random_stays(3, 4, 0)
    with torch.inference_mode():
        expected = random_model()(stays)
    for name, column in predictor.forward(stays).columns.items():
        torch.testing.assert_close(column, expected.columns[name], rtol=0, atol=0)


def test_a_checkpoint_of_other_encoders_predicts_the_same_when_loaded(tmp_path: Path) -> None:
    sizes, stays = Architecture(vitals_encoder="gru", ehr_encoder="ft_transformer"), random_stays(3, 4, 0)
    model = random_model(architecture=sizes)
    save_checkpoint(tmp_path, model, {"name": "other", "version": "1"})
    loaded = load_checkpoint(tmp_path)
    assert loaded.model.sizes == sizes
    with torch.inference_mode():
        expected = model(stays)
    for name, column in loaded.forward(stays).columns.items():
        torch.testing.assert_close(column, expected.columns[name], rtol=0, atol=0)


def test_the_version_names_the_weights(written: Path) -> None:
    info = load_checkpoint(written).info
    assert info.version == f"1-{info.sha256[:8]}"
    assert info.sha256 == hashlib.sha256((written / WEIGHTS).read_bytes()).hexdigest()


@pytest.mark.parametrize("name", [WEIGHTS, CARD, SUMS])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
def test_one_changed_byte_is_refused(folder: Path, name: str, place: float) -> None:
    content = bytearray((folder / name).read_bytes())
    content[int(place * len(content))] ^= 1
    (folder / name).write_bytes(content)
    assert "SHA-256" in refusal(folder)


@pytest.mark.parametrize("name", [WEIGHTS, CARD, SUMS])
def test_a_truncated_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:60])
    assert "SHA-256" in refusal(folder)


@pytest.mark.parametrize("name", [WEIGHTS, CARD, SUMS])
def test_a_missing_file_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in refusal(folder)


def test_another_format_is_refused(folder: Path) -> None:
    edit_card(folder, format="other/9")
    assert "other/9" in refusal(folder)


@pytest.mark.parametrize(
    ("field", "first", "sentence"),
    [
        ("vitals", "pulse_rate", "vitals names pulse_rate, which is none of the vitals channels"),
        ("vitals", "lactate", "vitals names lactate, which is none of the vitals channels"),
        ("ehr", "heart_rate", "ehr names heart_rate, which is none of the ehr channels"),
        ("units", "Hz", "heart_rate is in Hz where /min is due"),
        ("plausible", [0, 250], r"heart_rate lies in \(0.0, 250.0\) where \(20, 250\) is due"),
        ("static", "shoe_size", "static is shoe_size, sex"),
    ],
)
def test_an_input_that_the_channel_table_knows_otherwise_is_refused_by_name(
    folder: Path, field: str, first: Any, sentence: str
) -> None:
    schema = InputSchema().to_dict()
    schema[field] = [first, *schema[field][1:]]
    edit_card(folder, input_schema=schema)
    assert re.search(sentence, refusal(folder))


def test_units_that_are_too_few_are_refused(folder: Path) -> None:
    schema = InputSchema().to_dict()
    schema["units"] = list(schema["units"][1:])
    edit_card(folder, input_schema=schema)
    assert "units has 37 entries where 38 are due" in refusal(folder)


def test_channels_of_another_cohort_are_read() -> None:
    schema = InputSchema(
        vitals=("heart_rate", "etco2"), ehr=("crp",), units=("/min", "mm[Hg]", "mg/L"),
        plausible=((20, 250), (5, 100), (0, 600)),
    )  # fmt: skip
    assert schema.contradiction() is None


def test_a_model_may_ask_for_the_hours_before_intensive_care() -> None:
    assert replace(InputSchema(), static=STATIC).contradiction() is None


def test_demographics_are_in_the_order_that_a_model_names() -> None:
    told = Demographics(age=71, sex=1, weight_kg=80, unit_type="surgical", pre_icu_hours=5.5)
    expected = [71.0, 1.0, None, 80.0, 0.0, 0.0, 0.0, 1.0, 5.5]
    for names in (ADMISSION, STATIC):
        row = static_row(told, names)
        assert [None if math.isnan(value) else value for value in row] == expected[: len(names)]
        assert all(map(math.isnan, static_row(Demographics(), names)))


def test_the_default_inputs_are_those_of_the_shipped_checkpoint() -> None:
    assert load_checkpoint().schema == InputSchema()


def test_other_sizes_than_the_weights_are_refused(folder: Path) -> None:
    edit_card(folder, architecture=json.loads((folder / CARD).read_text())["architecture"] | {"ehr_width": 8})
    assert "lemof train" in refusal(folder)


def test_an_encoder_unknown_here_is_refused_by_name(folder: Path) -> None:
    sizes = json.loads((folder / CARD).read_text())["architecture"]
    edit_card(folder, architecture=sizes | {"vitals_encoder": "lstm"})
    assert "vitals_encoder is 'lstm'" in refusal(folder)


def test_a_pickle_is_refused(folder: Path) -> None:
    torch.save({"weights": torch.zeros(1)}, folder / WEIGHTS)
    edit_card(folder)
    assert "lemof train" in refusal(folder)


@pytest.mark.parametrize("cohort", TASK_SETS)
def test_a_packaged_checkpoint_loads_is_small_and_says_what_it_is_for(cohort: str) -> None:
    from lemof_stream.model import checkpoint

    predictor = load_for_cohort(cohort, None)
    folder = Path(checkpoint.__file__).parent / "checkpoints" / cohort
    assert sum(file.stat().st_size for file in folder.iterdir()) < PACKAGED_LIMIT
    assert "not a medical device" in predictor.card["intended_use"]
    assert tuple(predictor.card["outputs"]) == TASK_SETS[cohort].columns
    assert {"data", "splits", "metrics", "calibration"} <= predictor.card.keys()


@pytest.mark.parametrize("name", [None, Path("eicu")])
def test_a_folder_that_is_named_like_a_cohort_does_not_hide_the_packaged_checkpoint(
    name: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_checkpoint(name).info
    for cohort in ("physionet2012", "eicu"):
        (tmp_path / cohort).mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_checkpoint(name).info == expected


def test_a_checkpoint_of_another_cohort_is_refused(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=r"p_death.*for the cohort physionet2012.*trained on eicu"):
        load_for_cohort("eicu", folder)
