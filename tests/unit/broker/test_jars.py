"""The locked jars: all of them, and none but them."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lemof_stream.broker.jars import cache_folder, kafka_jars
from lemof_stream.broker.lock import KAFKA_VERSION, LockedJar, read_lock, sha256_of
from lemof_stream.errors import BrokerError

SMALL = next(jar for jar in read_lock() if jar.artifact == "jspecify")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    for scheme in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(scheme, f"http://127.0.0.1:{closed_port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_the_lock_names_kafka_and_a_sum_for_every_jar() -> None:
    lock = read_lock()

    assert f"kafka_2.13-{KAFKA_VERSION}.jar" in {jar.filename for jar in lock}
    assert all(len(jar.sha256) == 64 for jar in lock)
    assert not any("/" in str(jar) for jar in lock), "coordinates, not addresses"


@pytest.mark.usefixtures("broker")
def test_every_jar_in_use_has_the_locked_sum() -> None:
    assert [sha256_of(path) for path in kafka_jars()] == [jar.sha256 for jar in read_lock()]


def test_a_damaged_jar_is_fetched_again(tmp_path: Path) -> None:
    [path] = kafka_jars([SMALL], tmp_path)
    path.write_bytes(path.read_bytes()[:100])

    assert [sha256_of(path) for path in kafka_jars([SMALL], tmp_path)] == [SMALL.sha256]


def test_a_jar_with_another_sum_is_refused_and_not_kept(tmp_path: Path) -> None:
    forged = replace(SMALL, sha256="0" * 64)

    with pytest.raises(
        BrokerError, match=rf"^The fetched {SMALL.filename} has the SHA-256 {SMALL.sha256[:12]}"
    ):
        kafka_jars([forged], tmp_path)

    assert list(tmp_path.rglob("*.jar")) == []


def test_processes_that_start_at_once_fetch_one_cache(tmp_path: Path) -> None:
    code = "from lemof_stream.broker.jars import kafka_jars; print(*kafka_jars(), sep='\\n')"
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    starts = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [start.communicate(timeout=120)[0] for start in starts]

    assert [start.returncode for start in starts] == [0, 0, 0]
    assert len(set(outputs)) == 1
    assert len(outputs[0].splitlines()) == len(read_lock())


@pytest.mark.usefixtures("no_network")
def test_no_jars_and_no_network_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        BrokerError, match=rf"{SMALL.filename} cannot be fetched from Maven Central \(ProxyError\)"
    ):
        kafka_jars([SMALL], tmp_path)


def test_a_jar_that_no_repository_has_is_one_sentence(tmp_path: Path) -> None:
    absent = LockedJar(SMALL.group, SMALL.artifact, "0.0.0-absent", SMALL.sha256)

    with pytest.raises(BrokerError, match="cannot be fetched"):
        kafka_jars([absent], tmp_path)


@pytest.mark.usefixtures("broker", "no_network")
def test_jars_that_are_cached_need_no_network() -> None:
    assert len(kafka_jars()) == len(read_lock())


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(BrokerError, match=r"cannot be kept in .* make that folder writable"):
        kafka_jars([SMALL], tmp_path / "file" / "jars")


def test_the_cache_follows_the_users_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "lemof_stream" / "jars"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "lemof_stream" / "jars"
