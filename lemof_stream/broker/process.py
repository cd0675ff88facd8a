"""Starts Kafka on a data folder, waits until it serves, and stops it with all it started."""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

from lemof_stream.broker import config, tether
from lemof_stream.broker.ending import end
from lemof_stream.broker.folder import DataFolder
from lemof_stream.broker.jars import kafka_jars
from lemof_stream.broker.java import find_java
from lemof_stream.broker.listen import Address, PortTakenError
from lemof_stream.broker.ready import wait_until_ready
from lemof_stream.errors import BrokerError

# Fast to start and small (350 MB) rather than fast at its peak; 1 GB of heap is what Kafka's own scripts give.
_JVM: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx1g", "-Djava.awt.headless=true")
_FORMAT_DEADLINE_S: Final = 60.0  # takes 1.2 s; more on a machine that swaps
_START_DEADLINE_S: Final = 90.0  # takes 3 s on an idle machine
_PORT_TRIES: Final = 5  # a port that was free may be taken before Kafka binds it


class Broker:
    """One Kafka as a child process: a context manager, or `start` and `stop`.

    The child dies with the thread that started it, however that ends (Linux). With port 0 it listens on a free port.
    """

    def __init__(self, data_dir: Path, listen: str = "127.0.0.1:0") -> None:
        self._folder = DataFolder(data_dir)
        self._listen = Address.parse(listen)
        self._process: psutil.Popen | None = None

    @property
    def bootstrap(self) -> str:
        """The address that clients take, `host:port`."""
        return str(self._listen)

    @property
    def pid(self) -> int:
        """The process id of the running Kafka."""
        if self._process is None:
            raise BrokerError("This broker is not running: call start() first.")
        return int(self._process.pid)

    def start(self) -> None:
        """Starts Kafka and returns when it serves.

        Raises:
            BrokerError: it cannot be started; says why.
        """
        self._process, self._listen = launch(self._folder, self._listen, tethered=True)

    def stop(self) -> None:
        """Stops Kafka and all it started; does nothing where it does not run."""
        if self._process is not None:
            end(self._process)
            self._folder.note_stopped()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def launch(folder: DataFolder, listen: Address, *, tethered: bool) -> tuple[psutil.Popen, Address]:
    """Starts Kafka on a folder; returns its process and where it listens once it serves.

    Raises:
        BrokerError: no Java, no jars, a folder or port that is in use, or Kafka died: says which.
    """
    running = folder.running()
    if running is not None and running.process() is not None:
        raise BrokerError(
            f"A broker already runs on {folder.path} (process {running.pid}, {running.address}): "
            "use it, stop it, or choose another data folder."
        )
    listen.free()  # says at once what a minute of fetching and formatting would only delay
    cluster_id = folder.claim()
    java = [str(find_java()), *_JVM, "-cp", ":".join(str(jar) for jar in kafka_jars())]
    for attempt in range(1, _PORT_TRIES + 1):
        address = listen.free()
        _write_config(folder, address)
        if not folder.formatted():
            _format(java, folder, cluster_id)
        process = _spawn(java, folder, tethered=tethered)
        folder.note_running(process, address)
        try:
            wait_until_ready(process, folder, address, cluster_id, _START_DEADLINE_S)
        except BaseException as error:
            end(process)
            folder.note_stopped()
            # Again: a free port is chosen anew, and a fixed one that is taken fails at the head of the loop.
            if not isinstance(error, PortTakenError) or attempt == _PORT_TRIES:
                raise
        else:
            return process, address
    raise AssertionError  # the last attempt returned or raised


def _write_config(folder: DataFolder, listen: Address) -> None:
    while (controller := Address(listen.host, 0).free()) == listen:
        pass
    folder.server_properties.write_text(config.server_properties(folder.kafka, listen, controller))
    folder.log4j2_properties.write_text(config.log4j2_properties(folder.logs))


def _format(java: list[str], folder: DataFolder, cluster_id: str) -> None:
    """Writes Kafka's empty metadata log."""
    done = subprocess.run(
        [*java, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(folder.server_properties)],
        capture_output=True,
        text=True,
        timeout=_FORMAT_DEADLINE_S,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise BrokerError(
            f"Kafka could not format {folder.kafka} ({said[-1] if said else 'it said nothing'}): "
            "choose an empty data folder."
        )


def _spawn(java: list[str], folder: DataFolder, *, tethered: bool) -> psutil.Popen:
    log4j2 = f"-Dlog4j2.configurationFile={folder.log4j2_properties}"
    command = [java[0], log4j2, *java[1:], "kafka.Kafka", str(folder.server_properties)]
    if tethered:
        command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), *command]
    folder.server_log.unlink(missing_ok=True)  # so that a failed start is not explained by an older one
    with folder.console_log.open("wb") as console:
        # A session of its own: Ctrl-C in a terminal reaches the parent, which stops Kafka in order.
        return psutil.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
