"""Watches the system under load: the lag of the runner's group, and what its processes and Kafka's take of the machine.

Only processes of this machine and this user can be seen: Kafka is who listens on the brokers' port, runners are who is
connected to it and was started as `lemof run`.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Final

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pydantic import BaseModel

from lemof_stream.broker.admin import admin_client
from lemof_stream.contracts.topics import VITALS
from lemof_stream.worker.committed import committed_offsets
from lemof_stream.worker.reading import range_reader

LOOK_S: Final = 1.0
"""Between two looks: a hundredth of what they cost would not be seen, and a minute is sixty points."""
_LOOPBACK: Final = ("127.", "localhost", "::1", "[::1]")


class Use(BaseModel):
    """What processes of one kind took since the last look. `cpu`: processors, 1 is one of them all the time."""

    processes: int
    cpu: float
    memory_mb: float


class Sight(BaseModel):
    """One look. `at_s`: since second 0 of the schedule; `lag`: windows in Kafka that the group has not committed."""

    at_s: float
    lag: int | None
    use: dict[str, Use]
    """By `broker`, `runner`, `generator`, `reader`."""
    machine_cpu: float
    """Processors in use by everything on the machine."""


class Watch:
    """Looks until it is cancelled."""

    def __init__(self, brokers: str, group: str, partitions: int, generators: list[int]) -> None:
        self._brokers = brokers
        self._group = group
        self._places = [TopicPartition(VITALS, partition) for partition in range(partitions)]
        self._own = {"reader": [os.getpid()], "generator": generators}
        self._known: dict[int, psutil.Process] = {}
        self.sights: list[tuple[float, Sight]] = []

    async def look_on(self) -> None:
        """Look once a second."""
        async with admin_client(self._brokers) as admin, range_reader(self._brokers) as consumer:
            psutil.cpu_percent()
            await asyncio.to_thread(self._use)  # a first look begins the intervals
            while True:
                await asyncio.sleep(LOOK_S)
                lag = None
                with suppress(
                    KafkaError
                ):  # a Kafka under load may be slow to answer: a point is missing then
                    lag = await self._lag(admin, consumer)
                use = await asyncio.to_thread(self._use)  # not in the loop that notes when predictions come
                machine = psutil.cpu_percent() / 100 * (os.cpu_count() or 1)
                sight = Sight(at_s=0.0, lag=lag, use=use, machine_cpu=round(machine, 2))
                self.sights.append((time.monotonic(), sight))

    def since(self, monotonic_s: float) -> list[Sight]:
        """What was seen, by the seconds since then."""
        return [
            sight.model_copy(update={"at_s": round(at - monotonic_s, 2)})
            for at, sight in self.sights
            if at >= monotonic_s
        ]

    async def _lag(self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer) -> int:
        # Committed first, so that it cannot be ahead of the end.
        committed = await committed_offsets(admin, self._group, self._places)
        ends = await consumer.end_offsets(self._places)
        return sum(max(ends[place] - max(committed[place].offset, 0), 0) for place in self._places)

    def _use(self) -> dict[str, Use]:
        pids = self._own | _served_by(self._brokers)
        return {kind: self._use_of(of_kind) for kind, of_kind in pids.items() if of_kind}

    def _use_of(self, pids: Iterable[int]) -> Use:
        use = Use(processes=0, cpu=0.0, memory_mb=0.0)
        for pid in pids:
            with suppress(psutil.Error):  # it may end at any time
                process = self._known.setdefault(pid, psutil.Process(pid))
                use.cpu = round(use.cpu + process.cpu_percent() / 100, 3)
                use.memory_mb = round(use.memory_mb + process.memory_info().rss / 1e6, 1)
                use.processes += 1
        return use


@asynccontextmanager
async def watching(watch: Watch) -> AsyncIterator[Watch]:
    """Look on beside what the caller does."""
    task = asyncio.create_task(watch.look_on())
    try:
        yield watch
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _served_by(brokers: str) -> dict[str, list[int]]:
    """Process ids of Kafka and of the runners, as far as they are on this machine."""
    ports = {
        (int(port),)
        for host, _, port in (broker.strip().rpartition(":") for broker in brokers.split(","))
        if host.startswith(_LOOPBACK) and port.isdecimal()
    }
    if not ports:
        return {}
    broker: set[int] = set()
    clients: set[int] = set()
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.pid is None:
                continue
            # An address is a host and a port, or nothing.
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] in ports:
                broker.add(connection.pid)
            elif connection.raddr[1:2] in ports:
                clients.add(connection.pid)
    return {"broker": sorted(broker), "runner": sorted(filter(_is_runner, clients - broker))}


def _is_runner(pid: int) -> bool:
    """Whether a process was started as `lemof run`, however its interpreter was called."""
    try:
        command = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return any(
        "lemof" in argument.rpartition("/")[2] and follows == "run" for argument, follows in pairwise(command)
    )
