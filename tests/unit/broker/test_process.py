"""Starting and stopping a real Kafka."""

import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lemof_stream.broker import Broker
from lemof_stream.broker.admin import admin_client, check_topics, create_topics
from lemof_stream.errors import BrokerError, ConfigError
from tests.waiting import wait_until


def lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_a_stopped_broker_leaves_no_process_and_keeps_its_topics(tmp_path: Path) -> None:
    with Broker(tmp_path) as first:
        await create_topics(first.bootstrap, 2, 1)
        pid = first.pid
    assert not lives(pid)

    with Broker(tmp_path) as second:
        assert await check_topics(second.bootstrap, 2, 1) == []


async def test_topics_are_not_made_by_merely_naming_them(broker: str) -> None:
    async with admin_client(broker) as client:
        [described] = await client.describe_topics(["misspelt.v1"])
    assert described["error_code"] == 3  # unknown topic


def test_kafka_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from lemof_stream.broker import Broker\n"
        "broker = Broker(Path(sys.argv[1])); broker.start(); print(broker.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert lives(pid)
        parent.kill()

    wait_until(lambda: not lives(pid), 10, "the end of Kafka")


def test_a_paused_broker_is_stopped_all_the_same(
    fresh_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lemof_stream.broker.ending._STOP_DEADLINE_S", 0.5)
    pid = fresh_broker.pid
    psutil.Process(pid).suspend()

    fresh_broker.stop()

    assert not lives(pid)


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(
            BrokerError, match=rf"^Kafka cannot listen on {taken} .*: stop the program that does"
        ):
            Broker(tmp_path, taken).start()


def test_only_the_loopback_is_listened_on(tmp_path: Path) -> None:
    for address in ("0.0.0.0:9092", "example.org:9092", "127.0.0.1", "127.0.0.1:99999"):
        with pytest.raises(ConfigError, match=f"The address {address} does not fit --listen"):
            Broker(tmp_path, address)


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")

    with pytest.raises(BrokerError, match="holds files that are no broker's"):
        Broker(tmp_path).start()

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_files_of_another_cluster_are_refused(fresh_broker: Broker, tmp_path: Path) -> None:
    fresh_broker.stop()
    meta = tmp_path / "broker" / "kafka" / "meta.properties"
    meta.write_text(meta.read_text().replace("cluster.id=", "cluster.id=another"))

    with pytest.raises(BrokerError, match=r"holds the files of another Kafka cluster \(another"):
        fresh_broker.start()


def test_two_brokers_never_share_a_folder(fresh_broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=rf"already runs on .* \(process {fresh_broker.pid}, "):
        Broker(tmp_path / "broker").start()


def test_why_kafka_died_while_starting_is_quoted(fresh_broker: Broker, tmp_path: Path) -> None:
    fresh_broker.stop()
    meta = tmp_path / "broker" / "kafka" / "meta.properties"
    meta.write_text(meta.read_text().replace("version=1", "version=9"))

    with pytest.raises(BrokerError, match=r"^Kafka died while it started: .*meta.properties.*; mend that"):
        fresh_broker.start()

    with pytest.raises(BrokerError, match="not running"):
        _ = fresh_broker.pid
