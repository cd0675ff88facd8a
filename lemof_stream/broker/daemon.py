"""A Kafka that outlives the command which started it: `lemof broker start | stop | status`."""

import os
from pathlib import Path

from lemof_stream.broker.ending import end
from lemof_stream.broker.folder import DataFolder, Running
from lemof_stream.broker.listen import Address
from lemof_stream.broker.process import launch


def default_data_dir() -> Path:
    """Where the daemon's data lie unless told: below XDG_STATE_HOME, else ~/.local/state."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "lemof_stream" / "broker"


def start(data_dir: Path, listen: str) -> Running:
    """Starts a Kafka that stays; returns when it serves. Leaves one that already runs there as it is.

    Raises:
        BrokerError: it cannot be started, or runs on another address.
    """
    folder, address = DataFolder(data_dir), Address.parse(listen)
    running = status(data_dir)
    if running is None or running.address != address:
        launch(folder, address, tethered=False)
    started = folder.running()
    assert started is not None
    return started


def stop(data_dir: Path) -> Running | None:
    """Stops the Kafka of a data folder with all it started; returns it, None where none ran."""
    folder = DataFolder(data_dir)
    running = folder.running()
    process = running.process() if running else None
    if process is None:
        return None
    end(process)
    folder.note_stopped()
    return running


def status(data_dir: Path) -> Running | None:
    """The Kafka that runs on a data folder and accepts connections, None where there is none."""
    running = DataFolder(data_dir).running()
    if running is None or running.process() is None or not running.address.answers():
        return None
    return running
