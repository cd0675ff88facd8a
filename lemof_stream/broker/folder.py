"""A broker's data folder.

lemof-broker.json   the cluster that lives here: what marks the folder as ours
running.json        process and address of the broker that runs on it now
server.properties, log4j2.properties
kafka/              Kafka's own files
logs/               server.log, console.log
"""

import base64
import json
import re
import uuid
from pathlib import Path

import psutil
from pydantic import BaseModel, ValidationError

from lemof_stream.broker.listen import Address
from lemof_stream.broker.lock import KAFKA_VERSION
from lemof_stream.errors import BrokerError


class Running(BaseModel):
    """The broker that was started on a folder. `created` tells its process from a later one of the same number."""

    pid: int
    created: float
    host: str
    port: int

    @property
    def address(self) -> Address:
        return Address(self.host, self.port)

    def process(self) -> psutil.Process | None:
        """The process, if it still lives."""
        try:
            process = psutil.Process(self.pid)
            alive = process.create_time() == self.created and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None


class DataFolder:
    """Paths below a broker's data folder, and what is written there."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.kafka = self.path / "kafka"
        self.server_properties = self.path / "server.properties"
        self.log4j2_properties = self.path / "log4j2.properties"
        self.logs = self.path / "logs"
        self.server_log = self.logs / "server.log"
        self.console_log = self.logs / "console.log"
        self._marker = self.path / "lemof-broker.json"
        self._running = self.path / "running.json"

    def claim(self) -> str:
        """Makes the folder ours, or finds that it is; returns the id of its cluster.

        Raises:
            BrokerError: it holds something else, another cluster, or cannot be written.
        """
        try:
            self.logs.parent.mkdir(parents=True, exist_ok=True)
            if not self._marker.exists():
                if any(self.path.iterdir()):
                    raise BrokerError(
                        f"The data folder {self.path} holds files that are no broker's of lemof_stream: choose an "
                        "empty or a new folder."
                    )
                self._marker.write_text(json.dumps({"cluster_id": _new_id(), "kafka": KAFKA_VERSION}))
            self.logs.mkdir(exist_ok=True)
            cluster_id = str(json.loads(self._marker.read_text())["cluster_id"])
        except OSError as error:
            raise BrokerError(
                f"The data folder {self.path} cannot be used ({error.strerror}): choose another."
            ) from None
        self._refuse_another_cluster(cluster_id)
        return cluster_id

    def formatted(self) -> bool:
        """Whether Kafka has formatted its part."""
        return self._meta_properties.exists()

    def running(self) -> Running | None:
        """The broker started here last, dead or alive; None where it was stopped."""
        try:
            return Running.model_validate_json(self._running.read_text())
        except (OSError, ValidationError):
            return None

    def note_running(self, process: psutil.Process, listen: Address) -> None:
        record = Running(pid=process.pid, created=process.create_time(), host=listen.host, port=listen.port)
        self._running.write_text(record.model_dump_json())

    def note_stopped(self) -> None:
        self._running.unlink(missing_ok=True)

    @property
    def _meta_properties(self) -> Path:
        return self.kafka / "meta.properties"

    def _refuse_another_cluster(self, cluster_id: str) -> None:
        if not self.formatted():
            return
        match = re.search(r"^cluster\.id=(.+)$", self._meta_properties.read_text(), re.MULTILINE)
        if match is None or match.group(1).strip() != cluster_id:
            raise BrokerError(
                f"The data folder {self.path} holds the files of another Kafka cluster "
                f"({match.group(1).strip() if match else 'unnamed'}): choose an empty or a new folder."
            )


def _new_id() -> str:
    """A cluster id: a UUID in url-safe base64 without padding. Never a leading dash, which Kafka reads as a flag."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
