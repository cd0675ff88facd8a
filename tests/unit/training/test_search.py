"""The search for a recipe."""

from dataclasses import replace
from pathlib import Path

import pytest

from lemof_stream.cohorts import Cohort, read_cohort
from lemof_stream.errors import ConfigError
from lemof_stream.training import search as searching
from lemof_stream.training.recipe import TrainingConfig, default_config, read_config
from lemof_stream.training.search import search
from tests.recorded_stays import write_stays


@pytest.fixture
def stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cohort:
    """140 stays, and one epoch a stage to search with."""
    config = default_config("physionet2012")
    brief = TrainingConfig(
        architecture=config.architecture, recipe=replace(config.recipe, epochs=1, fusion_epochs=1)
    )
    monkeypatch.setattr(searching, "default_config", lambda _: brief)
    return read_cohort("physionet2012", write_stays(tmp_path / "data", 140))


def told(cohort: Cohort, out: Path, trials: int) -> list[str]:
    lines: list[str] = []
    search(cohort, out, trials, lambda *_: None, lines.append)
    return lines


def test_a_search_starts_from_the_recipe_that_ships_goes_on_and_is_reproducible(
    stays: Cohort, tmp_path: Path
) -> None:
    assert len(told(stays, tmp_path / "one", 1)) == 1
    first = read_config("physionet2012", tmp_path / "one" / "recipe.toml")
    assert first.architecture == default_config("physionet2012").architecture
    more = told(stays, tmp_path / "one", 3)
    assert [line.split(":")[0] for line in more] == ["trial 1", "trial 2"]
    assert told(stays, tmp_path / "two", 1)[0].startswith("trial 0: loss ")
    assert told(stays, tmp_path / "two", 3) == more
    assert told(stays, tmp_path / "two", 3) == []


def test_a_search_on_other_data_is_refused(stays: Cohort, tmp_path: Path) -> None:
    told(stays, tmp_path / "one", 1)
    with pytest.raises(ConfigError, match="other data"):
        told(stays.take(range(130)), tmp_path / "one", 2)
