"""The processes of a ward on this machine: commands as a person would start them, each with a log of its own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from lemof_stream.broker import tether
from lemof_stream.errors import LemofError

_STOP_DEADLINE_S: Final = (
    20.0  # a runner finishes its cycle and leaves its group, Faust its consumer: 2 to 6 s
)
_ASK_AGAIN_S: Final = 0.2


class Children:
    """Programs of this environment that end when this process does, however it ends."""

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
        """Start a console script of this environment; what it says goes to the end of `<name>.log`."""
        log = self._files.enter_context((self._logs / f"{name}.log").open("ab"))
        script = Path(sys.executable).parent / program
        # A session of its own: Ctrl-C reaches this process alone, which then stops the others in order.
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

    def kill(self, name: str) -> None:
        """`kill -9`; it may be started again under its name."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    async def until(
        self, condition: Callable[[], Awaitable[bool]], deadline_s: float, stopped: asyncio.Event
    ) -> bool:
        """Whether the condition came true before the deadline and before `stopped`.

        Raises:
            LemofError: a process ended by itself meanwhile.
        """
        until = time.monotonic() + deadline_s
        while not await condition():
            if stopped.is_set() or time.monotonic() > until:
                return False
            self.check()
            await asyncio.sleep(_ASK_AGAIN_S)
        return True

    def check(self) -> None:
        """Raise `LemofError` with the last words of a process that ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                words = (self._logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
                last = words[-1] if words else "it said nothing"
                raise LemofError(
                    f"The process `{name}` ended by itself with status {process.returncode}: {last}"
                )

    def _collect(self, name: str) -> None:
        process = self._running.pop(name)
        try:
            process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
