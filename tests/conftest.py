"""What many tests share: a real Kafka, its topics, the recordings."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lemof_stream.broker import Broker
from tests.recordings import some_of_physionet
from tests.topics import renew_topics

# Before torch is imported, here and in the processes that tests start: threads on small matrices wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell's background jobs ignore Ctrl-C, and would hand that on to the programs that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The Kafka of the whole run."""
    with Broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="session")
def broker(kafka: Broker) -> str:
    """Its address, `host:port`; the topics are whatever earlier tests left."""
    return kafka.bootstrap


@pytest.fixture
def topics(broker: str) -> str:
    """The address of a Kafka whose topics are the catalogue's (four partitions), all empty."""
    with ThreadPoolExecutor(1) as pool:  # not in this thread, whose event loop is the test's
        pool.submit(asyncio.run, renew_topics(broker)).result()
    return broker


@pytest.fixture
def fresh_broker(tmp_path: Path) -> Iterator[Broker]:
    """A Kafka of the test's own, for tests that stop or pause it. Takes some 4 s: prefer `topics`."""
    with Broker(tmp_path / "broker") as running:
        yield running


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of recordings."""
    folder = Path(os.environ.get("LEMOF_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no recordings in {folder}: name their folder with LEMOF_DATA")
    return folder


@pytest.fixture(scope="session")
def first_stays(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first 40 stays of PhysioNet 2012, set B: a whole set takes seconds to read."""
    return some_of_physionet(data_dir, tmp_path_factory.mktemp("physionet2012") / "set-b", 40)


@pytest.fixture
def closed_port() -> int:
    """A port of 127.0.0.1 where nothing answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
