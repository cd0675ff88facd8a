"""The experiment on waveforms: its figures are what a direct computation finds."""

from pathlib import Path

import pytest

from lemof_stream.training.experiments.registry import EXPERIMENTS
from lemof_stream.training.experiments.report import run
from lemof_stream.training.experiments.setting import Setting
from tests.unit.cohorts.bidmc_files import recording, signals
from tests.unit.cohorts.recordings import write


def quiet(stage: str, share: float) -> None:
    assert stage
    assert 0 <= share <= 1


def test_rates_are_scored_against_the_monitor_and_the_annotators(tmp_path: Path) -> None:
    files = (
        recording("bidmc_01", heart=77)
        | recording("other")
        | {"bare_Signals.csv": signals(leave_out=("RESP",))}
    )
    folder = write(tmp_path / "data", files)
    setting = Setting(lambda: pytest.fail("no stays"), (0,), quiet, waveforms=(folder,))

    variants = {own.name: own.figures for own in EXPERIMENTS["signals"].run(setting)}

    fitted, other = (variants[f"lemof signals, {part}"] for part in ("fitted on", "not fitted on"))
    assert fitted["heart rate MAE"]["value"] == pytest.approx(2, abs=0.1)
    assert other["heart rate MAE"]["value"] == pytest.approx(0, abs=0.1)
    assert fitted["breath rate kept"]["value"] == 1
    assert other["breath rate kept"]["value"] == 0.5
    assert variants["the monitor's numerics"]["breath rate MAE, annotator 1"]["value"] == pytest.approx(
        0, abs=0.1
    )
    assert "heart rate MAE" in variants["plain peak finder"]


def test_its_report_says_what_its_figures_are(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", recording("a"))
    setting = Setting(lambda: pytest.fail("no stays"), (0,), quiet, waveforms=(folder,))

    files = run(EXPERIMENTS["signals"], [setting], lambda: pytest.fail("no stays"), "lemof", tmp_path / "out")

    assert [file.name for file in files] == ["signals.md", "signals.json", "signals.png"]
    assert "| lemof signals, not fitted on |" in files[0].read_text()
