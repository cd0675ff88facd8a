"""`lemof-sim faults` as a person runs it. The six that ship: `lemof-sim faults NAME` (`lemof-sim faults list`)."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.waiting import wait_until

_SIM: Final = (sys.executable, "-c", "from simulators.cli.main import main; main()", "faults")
_ENDED_S: Final = (
    240.0  # start of Kafka and of three processes, some seconds of play, the drain, on a busy machine
)

MIXED: Final = """\
about = "Something of everything, in little."
seed = 8
beds = 6
hours = 6
speed = 3600
faults = [
    { kind = "silence", start_min = 60, length_min = 360, beds = 0.2 },
    { kind = "reorder", start_min = 60, length_min = 240, share = 0.3, within_min = 20 },
    { kind = "corrupt", start_min = 60, length_min = 240, share = 0.1, how = ["json", "key", "value"] },
    { kind = "duplicates", start_min = 60, length_min = 240, share = 0.1, within_min = 20 },
    { kind = "broker_pause", start_min = 120, seconds = 2 },
    { kind = "kill", start_min = 200, process = "runner", down_s = 1 },
]
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    file = tmp_path / "mixed.toml"
    file.write_text(MIXED)
    return file


def test_a_scenario_of_many_faults_balances_and_predicts_what_came_through(mixed: Path) -> None:
    done = subprocess.run(
        [*_SIM, str(mixed), "--json"], capture_output=True, text=True, timeout=_ENDED_S, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["held"], told["balanced"], told["problems"]) == (True, True, [])
    assert told["counted"] == told["expected"]
    assert min(told["counted"][name] for name in ("predicted", "duplicate", "rejected")) > 0
    assert told["letters"] == told["expected_letters"]
    assert told["letters"].keys() == {"implausible", "unreadable"}
    assert (told["steps"]["equal"], told["steps"]["repeated"]) == (36, 0)
    assert told["silent_beds"]["stale"] > 0
    assert [fault["process"] for fault in told["faults"][4:]] == ["broker", "runner"]


def test_ctrl_c_ends_a_scenario_and_all_it_started(mixed: Path) -> None:
    with psutil.Popen(
        [*_SIM, str(mixed)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as faults:
        said = [faults.stderr.readline(), faults.stderr.readline()]
        family = faults.children(recursive=True)
        assert len(family) >= 4, said  # Kafka, the EHR app, two runners
        faults.send_signal(signal.SIGINT)
        assert "nothing was judged" in faults.stderr.read()
        assert faults.wait(_ENDED_S) == 1
    wait_until(lambda: not any(member.is_running() for member in family), 5.0, "the end of every child")


def test_a_scenario_that_is_none_is_refused_before_anything_starts() -> None:
    done = subprocess.run([*_SIM, "no-such"], capture_output=True, text=True, timeout=_ENDED_S, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("lemof-sim: The scenario no-such cannot be read")
