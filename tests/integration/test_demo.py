"""`lemof demo` as a person runs it."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.programs import run_lemof
from tests.waiting import wait_until

_DEMO_S = 200.0  # start of Kafka and of four apps, some watching, and an orderly end, on a busy machine


def test_the_demo_flows_and_balances() -> None:
    done = run_lemof("demo", "--seconds", "10", deadline_s=_DEMO_S)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = re.search(r"windows received ([\d,]+), predicted ([\d,]+).*: balanced", done.stdout)
    assert counts is not None, done.stdout
    received, predicted = (int(count.replace(",", "")) for count in counts.groups())
    assert received == predicted > 0


def test_ctrl_c_stops_the_demo_and_all_it_started(tmp_path: Path) -> None:
    said = tmp_path / "demo.log"
    with said.open("wb") as sink:
        demo = psutil.Popen(
            [sys.executable, "-c", "from lemof_stream.cli.main import main; main()", "demo"],
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    family: list[psutil.Process] = [demo]
    try:
        wait_until(
            lambda: "The board is at" in said.read_text() or demo.poll() is not None, _DEMO_S, "the board"
        )
        family += demo.children(recursive=True)
        assert len(family) >= 7, said.read_text()  # Kafka, four apps, the beds, and the demo itself
        demo.send_signal(signal.SIGINT)
        assert demo.wait(_DEMO_S) == 0, said.read_text()
        wait_until(lambda: not any(_lives(member) for member in family), 5.0, "the end of every child")
    finally:
        for member in family:
            if _lives(member):
                member.kill()


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
