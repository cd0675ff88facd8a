"""Evaluation by replay: what the live system scored, from the topics."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from lemof_stream.contracts.topics import ALERTS
from lemof_stream.contracts.ward import Alert
from tests.messages import read_all
from tests.programs import lemof

_SIM: Final = (sys.executable, "-c", "from simulators.cli.main import main; main()")
_SET: Final = "set-a.tar.xz"
_STAYS: Final = 25
_DEADLINE_S: Final = 250.0
_READY_S: Final = 120.0  # three programs start at once


def replay(brokers: str, data: Path) -> subprocess.CompletedProcess[str]:
    command = ("replay", "physionet2012", "--data", str(data), "--stays", str(_STAYS), "--brokers", brokers)
    return subprocess.run(
        [*_SIM, *command, "--score", "--json"],
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        check=False,
    )


@pytest.fixture(scope="module")
def recordings(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set a of PhysioNet 2012 with its outcomes."""
    folder = tmp_path_factory.mktemp("recordings")
    for name in (_SET, "Outcomes-a.txt"):
        shutil.copy(data_dir / "physionet2012" / name, folder)
    return folder


@pytest.mark.timeout(600)
async def test_a_live_system_scores_as_offline_and_its_alerts_are_counted(
    topics: str, recordings: Path, tmp_path: Path
) -> None:
    with (
        lemof(tmp_path / "ehr.log", "ehr", "--brokers", topics) as ehr,
        lemof(tmp_path / "run.log", "run", "--brokers", topics) as run,
        lemof(tmp_path / "ward.log", "ward", "--brokers", topics) as ward,
    ):
        run.wait_for("partition opened", _READY_S)
        ehr.wait_for("ready: tables restored", _READY_S)
        ward.wait_for("ready: tables restored", _READY_S)
        done = replay(topics, recordings)

    assert done.returncode == 0, done.stderr
    score: dict[str, Any] = json.loads(done.stdout)["score"]
    assert (score["stays"], score["steps_live"]) == (_STAYS, score["steps_offline"])
    assert score["max_difference"] <= 1e-5
    death = [figure for figure in score["figures"] if figure["task"] == "death"]
    assert [figure["hours"] for figure in death] == ["6", "12", "24", "48"]
    for figure in death:
        assert figure["score"] == "auroc"
        assert figure["live"]["value"] == pytest.approx(figure["offline"]["value"], abs=1e-3)
    alerts = [Alert.from_bytes(record.value) for record in await read_all(topics, ALERTS)]
    raised = [alert for alert in alerts if alert.state == "raised"]
    live = score["alarms_live"]
    assert live["alerts"] == len(raised) > 0
    assert live["alerted_stays"] == len({alert.stay_id for alert in raised})
    assert live["per_patient_day"] == pytest.approx(len(raised) / live["patient_days"], abs=1e-3)


def test_without_a_runner_or_outcomes_nothing_is_replayed_and_a_sentence_says_why(
    topics: str, recordings: Path, tmp_path: Path
) -> None:
    shutil.copy(recordings / _SET, tmp_path)  # outcomes beside an archive would be found

    alone = replay(topics, recordings)
    unknown = replay(topics, tmp_path)

    assert (alone.returncode, unknown.returncode) == (2, 2)
    assert "start `lemof ehr`" in alone.stderr
    assert "holds no outcomes" in unknown.stderr
    assert len(alone.stderr.splitlines()) == len(unknown.stderr.splitlines()) == 1
