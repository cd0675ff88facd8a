"""A process that is measured: the engine as a user would start it, or a rival."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final, Self

import psutil

from lemof_stream.broker import tether
from lemof_stream.errors import LemofError
from lemof_stream.settings import GROUP, Settings

ENGINE_GROUP: Final = GROUP
"""The consumer group of `lemof run` with the settings that it ships with."""
ENGINE_CYCLE: Final = Settings.model_fields["cycle_max"].default
"""Windows of its largest cycle, with those settings."""
_STOP_S: Final = (
    20.0  # a runner finishes its cycle and leaves its group, Faust and Quix their consumers: 2 to 6 s
)


class Child:
    """Runs until the end of its `with` block; what it says goes to a log in `folder`."""

    def __init__(self, folder: Path, name: str, *command: str, environment: dict[str, str]) -> None:
        self._name = name
        self._log = folder / f"{name}.log"
        self._command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *command]
        # The engine computes on one thread; so do the rivals.
        self._environment = os.environ | {"OMP_NUM_THREADS": "1"} | environment
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """See that it still runs.

        Raises:
            LemofError: it does not; with its last words.
        """
        if self._process.poll() is None:
            return
        raise LemofError(
            f"The benchmark's {self._name} ended by itself with status {self._process.returncode}: {self.last_words()}"
        )

    def last_words(self) -> str:
        """The end of its log."""
        words = self._log.read_text(errors="replace").strip().splitlines()
        return words[-1] if words else "it said nothing"

    def resident(self) -> int:
        """Bytes of memory that it holds."""
        return int(psutil.Process(self._process.pid).memory_info().rss)


def engine(folder: Path, brokers: str, guarantee: str = "exactly_once") -> Child:
    """`lemof run`, with the settings that it ships with."""
    lemof = str(Path(sys.executable).parent / "lemof")
    # No EHR feed runs here, so there is nothing to wait for.
    environment = {"LEMOF_GUARANTEE": guarantee, "LEMOF_IDLE_MS": "0"}
    return Child(
        folder, "engine", sys.executable, lemof, "run", "--brokers", brokers, environment=environment
    )


def rival(folder: Path, module: str, brokers: str) -> Child:
    """A module of this package that runs until it is stopped."""
    name = f"lemof_stream.worker.bench.{module}"
    return Child(folder, module, sys.executable, "-m", name, brokers, str(folder), environment={})
