"""Starts generator processes, lets them begin at the same instant, and adds up what they made."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from lemof_stream.broker import tether
from lemof_stream.errors import LemofError
from simulators.load.generator import READY, Made, Order, Start
from simulators.load.latency import LatencyHistogram
from simulators.load.plan import Plan

_LEAD_S: Final = 0.2  # from the word to begin until second 0: all processes have read it by then
_STOP_S: Final = 5.0  # until a process that is asked to end is killed
TOO_LATE_MS: Final = 50.0
"""A generator that made a hundredth of its windows later than this is part of what it measures: a third of the
150 ms that a bedside prediction may take."""


class Generated(BaseModel):
    """What all processes made."""

    processes: int
    windows: int
    seconds: float
    """From second 0 until the last was delivered."""
    behind_p50_ms: float
    behind_p99_ms: float
    """How long after it was due a window was made."""
    cpu: float
    """Processors that they kept busy, on average."""
    invalid: str | None
    """Why the run says nothing, in one sentence; None where it kept its schedule."""


class Generators:
    """Processes that are ready."""

    def __init__(self, processes: Sequence[asyncio.subprocess.Process]) -> None:
        self._processes = processes

    @property
    def pids(self) -> list[int]:
        """Their process ids."""
        return [process.pid for process in self._processes]

    def begin(self) -> Start:
        """Let them begin; returns when second 0 is."""
        start = Start(wall_ms=int((time.time() + _LEAD_S) * 1000), monotonic_s=time.monotonic() + _LEAD_S)
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(start.model_dump_json().encode() + b"\n")
        return start

    async def finish(self, start: Start) -> Generated:
        """Wait until all windows are sent.

        Raises:
            LemofError: a process ended before its time.
        """
        made = await asyncio.gather(*(_made(process) for process in self._processes))
        seconds = time.monotonic() - start.monotonic_s
        behind = sum((LatencyHistogram.from_buckets(one.behind) for one in made), LatencyHistogram())
        windows, late_ms = sum(one.windows for one in made), behind.percentile(99)
        too_late = (
            f"The generator fell behind its schedule, so the run says nothing: a hundredth of its windows was made "
            f"{late_ms:,.0f} ms late or later, where {TOO_LATE_MS:.0f} ms are allowed; give it more --processes, more "
            "processors or fewer beds."
        )
        return Generated(
            processes=len(made),
            windows=windows,
            seconds=seconds,
            behind_p50_ms=behind.percentile(50),
            behind_p99_ms=late_ms,
            cpu=round(sum(one.cpu_s for one in made) / seconds, 3),
            invalid=too_late if late_ms > TOO_LATE_MS else None,
        )


@asynccontextmanager
async def open_generators(
    brokers: str, partitions: int, began: datetime, plan: Plan, processes: int
) -> AsyncIterator[Generators]:
    """So many generator processes, ready to begin; none is left at the end.

    Raises:
        LemofError: one cannot start.
    """
    command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid())]
    command += [sys.executable, "-m", __name__.rpartition(".")[0] + ".generator"]
    started: list[asyncio.subprocess.Process] = []
    try:
        for share in range(processes):
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is ours to handle
                limit=1 << 20,
            )
            started.append(process)
            order = Order(
                brokers=brokers, partitions=partitions, began=began, plan=plan, share=share, shares=processes
            )
            assert process.stdin is not None
            process.stdin.write(order.model_dump_json().encode() + b"\n")
        for process in started:
            assert process.stdout is not None
            if await process.stdout.readline() != READY:
                raise await _failure(process)
        yield Generators(started)
    finally:
        await asyncio.gather(*(_end(process) for process in started))


async def _made(process: asyncio.subprocess.Process) -> Made:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise await _failure(process)
    return Made.model_validate_json(line)


async def _failure(process: asyncio.subprocess.Process) -> LemofError:
    """Why a process ended: its own last words."""
    assert process.stderr is not None
    words = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
    return LemofError(words[-1] if words else f"A generator ended with status {await process.wait()}.")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
