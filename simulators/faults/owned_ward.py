"""A ward of the simulator's own: a Kafka in a temporary folder, the EHR app, runners, and what is done to them."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from aiokafka.errors import GroupCoordinatorNotAvailableError

from lemof_stream.broker import Broker
from lemof_stream.broker.admin import admin_client, create_topics, described_group
from lemof_stream.cli.demo.children import Children
from lemof_stream.settings import Settings
from simulators.faults.kinds import BrokerPause, Kill

_EHR_GROUP: Final = "lemof-ehr"
_READY_DEADLINE_S: Final = 90.0  # Faust takes some ten seconds to join its group; more on a busy machine
# Windows wait for the EHR feed for at most so long: in a scenario it is held up on purpose, by more than a bedside
# would ever see, and waiting only spares revisions.
_IDLE_MS: Final = 1_000


class OwnedWard:
    """Processes beside a Kafka, which end with the block; their logs lie in `folder`.

    Runners are two where one is to be killed, so that the other takes over.
    """

    def __init__(
        self, broker: Broker, settings: Settings, folder: Path, faults: Sequence[BrokerPause | Kill]
    ) -> None:
        self.settings = settings
        self.children = Children(folder, {"LEMOF_BROKERS": settings.brokers, "LEMOF_IDLE_MS": str(_IDLE_MS)})
        self._broker = broker
        self._runners = 1 + any(isinstance(fault, Kill) and fault.process == "runner" for fault in faults)

    def __enter__(self) -> Self:
        self.children.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.children.__exit__()

    async def open(self, stopped: asyncio.Event) -> bool:
        """Create the topics and start everything; whether all have joined their groups before a deadline.

        Raises:
            LemofError: a process ended by itself.
        """
        await create_topics(self.settings.brokers, self.settings.partitions, self.settings.replication)
        self._start("ehr")
        for number in range(1, self._runners + 1):
            self._start(f"runner-{number}")
        return await self.children.until(self._joined, _READY_DEADLINE_S, stopped)

    async def do(self, fault: BrokerPause | Kill) -> None:
        """Do a fault to a process, and undo it when its time is over."""
        if isinstance(fault, BrokerPause):
            os.kill(self._broker.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                os.kill(self._broker.pid, signal.SIGCONT)
            return
        name = "ehr" if fault.process == "ehr" else "runner-1"
        self.children.kill(name)
        await asyncio.sleep(fault.down_s)
        self._start(name)

    def _start(self, name: str) -> None:
        self.children.start(name, "lemof", "ehr" if name == "ehr" else "run")

    async def _joined(self) -> bool:
        members = {_EHR_GROUP: 1, self.settings.group: self._runners}
        try:
            async with admin_client(self.settings.brokers) as admin:
                for group, count in members.items():
                    described = await described_group(admin, group)
                    if described["state"] != "Stable" or len(described["members"]) < count:
                        return False
        except GroupCoordinatorNotAvailableError:
            return False  # a new Kafka has yet to choose one
        return True
