"""Resolves Kafka's jars as Maven does and writes the lock file: what `make lock` runs."""

from typing import Final

import jgo

from lemof_stream.broker.lock import KAFKA_VERSION, LOCK_FILE, LockedJar, sha256_of

# log4j-slf4j-impl lets Kafka log through Log4j, which its own dependencies bring in this version. The `!` keeps its
# parent's managed versions away from Kafka's.
_ENDPOINT: Final = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!"
)


def relock() -> None:
    """Fetches every jar to take its checksum, and replaces the lock file."""
    jars = [
        LockedJar(found.groupId, found.artifactId, found.version, sha256_of(found.resolve()))
        for found in jgo.resolve(_ENDPOINT)
    ]
    head = f"# The jars of Apache Kafka {KAFKA_VERSION}. Written by `make lock`; do not edit.\n"
    LOCK_FILE.write_text(head + "".join(f"{jar}\n" for jar in sorted(jars, key=str)))


if __name__ == "__main__":
    relock()
