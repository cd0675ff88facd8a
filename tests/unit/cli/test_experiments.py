"""`lemof experiments`, as a shell calls it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lemof_stream.cli.experiments import app
from lemof_stream.errors import ConfigError
from lemof_stream.training.experiments.registry import EXPERIMENTS


def test_every_experiment_is_listed_with_its_question() -> None:
    shown = CliRunner().invoke(app, ["list"]).stdout
    for name, experiment in EXPERIMENTS.items():
        assert f"{name} " in shown
        assert experiment.sentence in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "There is no experiment nothing; there are levels"),
        (["levels", "--train", "a"], "--train and --test together"),
        (["levels", "--train", "a", "--test", "b", "--data", "c"], "--train and --test together"),
        (["levels", "--train", "a", "--test", "b", "--folds", "3"], "Folds are of the stays of --data"),
        (["levels", "--cohort", "bidmc"], "bidmc holds waveforms of minutes, not stays"),
        (["signals", "--folds", "2"], "signals trains nothing: name its recordings with --data alone"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: list[str], said: str, tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["run", *arguments, "--out", str(tmp_path)])
    assert isinstance(found.exception, ConfigError)
    assert said in str(found.exception)
    assert not list(tmp_path.iterdir())
