"""Runs `lemof` commands as a person would: as processes of their own."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.waiting import wait_until

_MAIN: Final = "from lemof_stream.cli.main import main; main()"
_LEMOF: Final = ("-c", _MAIN)
_START_S: Final = 60.0  # imports on a busy machine, and a group that waits for a member that was killed
_STOP_S: Final = 20.0


@dataclass
class Program:
    """A running `lemof` command and what it has said so far."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, words: str, deadline_s: float = _START_S) -> None:
        """Wait until its log holds `words`."""

        def said() -> bool:
            assert self.process.poll() is None, f"it ended: {self.log.read_text()}"
            return words in self.log.read_text()

        wait_until(said, deadline_s, f"{words!r} in the log")

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop, as a person or an init system does; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_STOP_S)


@contextlib.contextmanager
def lemof(log: Path, *arguments: str, before: str = "") -> Iterator[Program]:
    """Start a command; what it writes to standard error goes to `log`. Killed at the end if it still runs.

    `before`: lines of Python that its process runs first, to break something on purpose.
    """
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-c", f"{before}\n{_MAIN}", *arguments],
            stdout=subprocess.PIPE,
            stderr=sink,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield Program(process, log)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def run_lemof(*arguments: str, deadline_s: float = _START_S) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command: Sequence[str] = [sys.executable, *_LEMOF, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=deadline_s, check=False)


def refused(*arguments: str) -> str:
    """The one sentence that a command ends with which is a wrong usage."""
    done = run_lemof(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    [sentence] = done.stderr.splitlines()
    assert sentence.endswith(".")
    return sentence
