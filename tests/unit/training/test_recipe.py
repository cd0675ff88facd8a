"""The one file that says how to train."""

from pathlib import Path

import pytest

from lemof_stream.errors import ConfigError
from lemof_stream.model import TASK_SETS
from lemof_stream.training.recipe import as_dict, default_config, read_config, to_toml


def written(folder: Path, text: str) -> Path:
    file = folder / "recipe.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("cohort", TASK_SETS)
def test_every_cohort_ships_a_recipe_that_reads_back_as_it_was(cohort: str, tmp_path: Path) -> None:
    config = default_config(cohort)
    assert read_config(cohort, written(tmp_path, to_toml(config))) == config


def test_what_a_file_leaves_out_is_as_in_the_recipe_of_the_cohort(tmp_path: Path) -> None:
    config = read_config("eicu", written(tmp_path, "[recipe]\nrate = 0.001\n"))
    expected = as_dict(default_config("eicu"))
    expected["recipe"]["rate"] = 0.001
    assert as_dict(config) == expected


def test_a_cohort_without_tasks_has_no_recipe() -> None:
    with pytest.raises(ConfigError, match=r"bidmc.*eicu, physionet2012, sepsis2019"):
        default_config("bidmc")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[recipe]\nspeed = 1\n", "recipe.speed, which there is not; known are: seed, stays_a_batch"),
        ("[receipt]\n", "receipt, which there is not; known are: architecture, recipe"),
        ("[recipe]\nepochs = 0\n", "recipe.epochs"),
        ("[recipe]\nepochs = '8'\n", "recipe.epochs"),
        ("[recipe]\nrate = nan\n", "recipe.rate"),
        ("[recipe]\nsecond_view = 1.0\n", "recipe.second_view"),
        ("[recipe]\nboosted_share = 0.0\n", "recipe.boosted_share"),
        ("[architecture]\nmembers = 5\n", "members must be even"),
        ("[architecture]\ndropout = 1.5\n", "dropout"),
        ("[architecture]\nehr_width = -1\n", "ehr_width must be at least 1"),
        ("recipe = 3\n", "recipe is no table"),
        ("[recipe\n", "no TOML"),
    ],
)
def test_what_does_not_fit_is_named(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        read_config("physionet2012", written(tmp_path, text))
    assert words in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config("physionet2012", tmp_path / "none.toml")
