"""One generator process: makes the windows of its share of the beds when they are due, whatever becomes of them.

    python -m simulators.load.generator

It reads an `Order` from its standard input, says `ready` when everything is prepared, waits for a `Start`, and writes
what it `Made`; each is one line of JSON.
"""

import asyncio
import gc
import sys
import time
from datetime import datetime
from typing import Final

import numpy as np
import typer
from pydantic import BaseModel

from lemof_stream.errors import LemofError
from simulators.load.beds import Beds, WindowWriter
from simulators.load.latency import Bucket, LatencyHistogram
from simulators.load.outbox import Outbox, open_outbox
from simulators.load.plan import Plan, Schedule, schedule

READY: Final = b"ready\n"
_TICK_S: Final = 0.002  # between two looks at what is due; bounds what the generator adds to a latency
_AT_ONCE: Final = 500
"""Most windows that are made between two looks at the network: some 5 ms."""


class Order(BaseModel):
    """What to make: the windows of every `shares`-th bed from `share` on. `began` names the beds."""

    brokers: str
    partitions: int
    began: datetime
    plan: Plan
    share: int
    shares: int


class Start(BaseModel):
    """When second 0 of the schedule is: by the wall clock, and by the monotonic one that all processes share."""

    wall_ms: int
    monotonic_s: float


class Made(BaseModel):
    """What a process made. `behind`: how long after it was due each window was made."""

    windows: int
    cpu_s: float
    behind: list[Bucket]


async def generate(order: Order) -> Made:
    """Make and send the windows of an order."""
    due = schedule(order.plan, order.share, order.shares)
    beds = Beds(order.plan.beds, order.began, order.partitions)
    writer = WindowWriter(beds, range(order.share, order.plan.beds, order.shares), order.plan.every_s)
    async with open_outbox(order.brokers, order.partitions) as outbox:
        gc.collect()
        gc.freeze()  # what is prepared is not looked through again while the load runs
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        start = Start.model_validate_json(await asyncio.to_thread(sys.stdin.buffer.readline))
        cpu_s = time.process_time()
        behind = await _send(due, start, writer, outbox)
        await outbox.deliver()
        cpu_s = time.process_time() - cpu_s
    return Made(windows=len(due), cpu_s=cpu_s, behind=behind.buckets())


async def _send(due: Schedule, start: Start, writer: WindowWriter, outbox: Outbox) -> LatencyHistogram:
    end_ms = due.end_ms + start.wall_ms
    behind_s = np.zeros(len(due))
    done = 0
    while done < len(due):
        now = time.monotonic() - start.monotonic_s
        ready = min(int(np.searchsorted(due.due_s, now, side="right")), done + _AT_ONCE)
        if ready > done:
            outbox.put(writer.write(due.bed[done:ready], end_ms[done:ready]))
            behind_s[done:ready] = time.monotonic() - start.monotonic_s - due.due_s[done:ready]
        # At a backlog the network has its turn, and no more.
        await asyncio.sleep(0 if ready == done + _AT_ONCE else _TICK_S)
        done = ready
    return LatencyHistogram.of(behind_s * 1000)


def main() -> None:
    """The process: exit 2 with a sentence where Kafka does not take the load."""
    order = Order.model_validate_json(sys.stdin.buffer.readline())
    try:
        made = asyncio.run(generate(order))
    except LemofError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
    sys.stdout.buffer.write(made.model_dump_json().encode() + b"\n")


if __name__ == "__main__":
    main()
