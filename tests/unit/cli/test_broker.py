"""`lemof broker` and `lemof topics`, as a shell calls them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from lemof_stream.broker.daemon import default_data_dir
from lemof_stream.broker.folder import DataFolder
from lemof_stream.contracts.topics import TOPICS
from tests.waiting import wait_until

LEMOF: Final = str(Path(sys.executable).with_name("lemof"))


def lemof(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LEMOF, *arguments], capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def daemon_dir(tmp_path: Path) -> Iterator[str]:
    """A data folder whose daemon, if the test leaves one, is stopped."""
    yield str(tmp_path / "daemon")
    lemof("broker", "stop", "--data-dir", str(tmp_path / "daemon"))


def test_a_daemon_outlives_its_command_until_it_is_stopped(daemon_dir: str) -> None:
    started = lemof("broker", "start", "--listen", "127.0.0.1:0", "--data-dir", daemon_dir)
    assert started.returncode == 0, started.stderr
    running = DataFolder(Path(daemon_dir)).running()
    assert running is not None
    address = str(running.address)

    status = lemof("broker", "status", "--data-dir", daemon_dir)
    assert (status.returncode, address in status.stdout) == (0, True)
    again = lemof("broker", "start", "--listen", address, "--data-dir", daemon_dir)
    assert (again.returncode, again.stdout) == (0, started.stdout)
    elsewhere = lemof("broker", "start", "--listen", "127.0.0.1:0", "--data-dir", daemon_dir)
    assert (elsewhere.returncode, "already runs on" in elsewhere.stderr) == (2, True)

    created = lemof("topics", "create", "--brokers", address)
    assert created.stdout.splitlines()[-1] == f"{len(TOPICS)} created, 0 there before."
    assert lemof("topics", "check", "--brokers", address).returncode == 0
    differing = lemof("topics", "check", "--brokers", address, "--partitions", "3")
    assert differing.returncode == 2
    assert "ledger.v1 has 4 partitions where the catalogue has 3" in differing.stdout

    assert "has stopped" in lemof("broker", "stop", "--data-dir", daemon_dir).stdout
    wait_until(lambda: running.process() is None, 10, "the end of the daemon")
    assert lemof("broker", "status", "--data-dir", daemon_dir).returncode == 1
    assert "No Kafka runs" in lemof("broker", "stop", "--data-dir", daemon_dir).stdout


def test_a_daemon_that_was_killed_can_be_started_again(daemon_dir: str) -> None:
    assert lemof("broker", "start", "--listen", "127.0.0.1:0", "--data-dir", daemon_dir).returncode == 0
    running = DataFolder(Path(daemon_dir)).running()
    assert running is not None
    psutil.Process(running.pid).kill()
    wait_until(lambda: running.process() is None, 10, "the death of the daemon")
    assert lemof("broker", "status", "--data-dir", daemon_dir).returncode == 1

    assert lemof("broker", "start", "--listen", "127.0.0.1:0", "--data-dir", daemon_dir).returncode == 0


@pytest.mark.parametrize("command", ["create", "check"])
def test_a_kafka_that_is_down_is_one_sentence_and_status_2(command: str, closed_port: int) -> None:
    done = lemof("topics", command, "--brokers", f"127.0.0.1:{closed_port}")

    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"lemof: No Kafka answers at 127.0.0.1:{closed_port}: start one")


def test_the_data_lie_in_the_users_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / "lemof_stream" / "broker"

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / ".local" / "state" / "lemof_stream" / "broker"
