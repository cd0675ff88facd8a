"""The lock file: every jar of Kafka by Maven coordinate and SHA-256. `make lock` writes it anew."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KAFKA_VERSION: Final = "4.3.0"
LOCK_FILE: Final = Path(__file__).with_name("kafka.lock")


@dataclass(frozen=True)
class LockedJar:
    """One jar. `sha256` in lower-case hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version} sha256:{self.sha256}"


def read_lock(path: Path = LOCK_FILE) -> tuple[LockedJar, ...]:
    """The jars of a lock file, in the order of the class path."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return tuple(_parse(line) for line in lines)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parse(line: str) -> LockedJar:
    coordinate, _, checksum = line.partition(" sha256:")
    group, artifact, version = coordinate.split(":")
    return LockedJar(group, artifact, version, checksum)
