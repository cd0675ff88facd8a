"""Training that is killed and started again."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from lemof_stream.model import load_checkpoint
from lemof_stream.training.resume import Saved, SavedStages
from tests.programs import lemof, run_lemof
from tests.recorded_stays import write_stays
from tests.waiting import wait_until

RECIPE = """
[architecture]
trees = 5
[recipe]
epochs = 3
fusion_epochs = 4
stays_a_batch = 32
"""
DEADLINE_S = 120.0  # a training of seconds, on a busy machine


def arguments(folder: Path, out: str) -> Sequence[str]:
    named = {"--data": folder / "data", "--out": folder / out, "--recipe": folder / "recipe.toml"}
    return ("train", "--cohort", "physionet2012", *(str(word) for pair in named.items() for word in pair))


def test_a_killed_training_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    write_stays(tmp_path / "data", 100)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    with lemof(tmp_path / "log", *arguments(tmp_path, "killed")) as program:
        saved = tmp_path / "killed" / ".training" / "2_fusion.safetensors"
        wait_until(
            lambda: saved.exists() or program.process.poll() is not None, DEADLINE_S, f"{saved} is there"
        )
        program.kill()
    done = run_lemof(*arguments(tmp_path, "killed"), deadline_s=DEADLINE_S)
    assert "Going on with the training" in done.stderr
    run_lemof(*arguments(tmp_path, "whole"), deadline_s=DEADLINE_S)
    killed, whole = (load_checkpoint(tmp_path / name).info.sha256 for name in ("killed", "whole"))
    assert killed == whole


def test_state_of_another_training_is_thrown_away(tmp_path: Path) -> None:
    SavedStages(tmp_path, "one").save("a", Saved({"x": torch.ones(2)}, {}))
    other = SavedStages(tmp_path, "two")
    assert (other.found, other.outdated) == (False, True)
    assert other.load("a") is None


def test_state_comes_back_as_it_was(tmp_path: Path) -> None:
    saved = Saved(
        {"part.x": torch.randn(3, 2), "part.n": torch.tensor([7], dtype=torch.uint8)}, {"rate": 0.1 + 0.2}
    )
    SavedStages(tmp_path, "one").save("a", saved)
    again = SavedStages(tmp_path, "one").load("a")
    assert again is not None
    assert again.facts == saved.facts
    assert {name: t.tolist() for name, t in again.part("part").items()} == {
        name: t.tolist() for name, t in saved.part("part").items()
    }


@pytest.mark.parametrize("end", ["", "\0"])
def test_a_file_that_was_being_written_does_not_count(tmp_path: Path, end: str) -> None:
    stages = SavedStages(tmp_path, "one")
    (stages.folder / "a.new").write_text(end)
    assert stages.load("a") is None
