"""The demo's processes: the same commands that a person would start by hand, each with a log of its own."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from lemof_stream.broker import tether
from lemof_stream.errors import LemofError

_STOP_DEADLINE_S: Final = (
    20.0  # a runner finishes its cycle and leaves its group, Faust its consumer: 2 to 6 s
)


class Children:
    """Programs of this environment that end when the demo does, however it ends."""

    def __init__(self, logs: Path, environment: dict[str, str]) -> None:
        self._logs = logs
        self._environment = os.environ | environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for name in tuple(self._running):
            self._collect(name)
        self._files.close()

    def start(self, name: str, program: str, *arguments: str) -> None:
        """Start a console script of this environment; what it says goes to `<name>.log`."""
        log = self._files.enter_context((self._logs / f"{name}.log").open("wb"))
        script = Path(sys.executable).parent / program
        # A session of its own: Ctrl-C reaches the demo alone, which then stops the others in order.
        self._running[name] = subprocess.Popen(
            [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), str(script), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self._environment,
            start_new_session=True,
        )

    def stop(self, name: str) -> None:
        """Ask one to stop and wait for it."""
        self._running[name].terminate()
        self._collect(name)

    def check(self) -> None:
        """Raise `LemofError` with the last words of a process that ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                words = (self._logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
                last = words[-1] if words else "it said nothing"
                raise LemofError(
                    f"The demo's {name} ended by itself with status {process.returncode}: {last}"
                )

    def _collect(self, name: str) -> None:
        process = self._running.pop(name)
        try:
            process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
