"""Fetches the locked jars into the user's cache and lets none through whose checksum differs."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import requests
from filelock import FileLock, Timeout
from jgo.maven import Artifact, MavenContext

from lemof_stream.broker.lock import LockedJar, read_lock, sha256_of
from lemof_stream.errors import BrokerError

_PARALLEL: Final = 8  # small files: the round trips, not the bytes, take the time
_TIMEOUT_S: Final = 20  # a server that is silent for this long will not answer
_LOCK_WAIT_S: Final = 300.0  # another process fetches 46 MB meanwhile, perhaps over a slow line


def cache_folder() -> Path:
    """Where the jars are kept: below XDG_CACHE_HOME, else ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lemof_stream" / "jars"


def jars_to_fetch() -> int:
    """How many of Kafka's jars the cache lacks."""
    context = MavenContext(repo_cache=cache_folder())
    paths = [_artifact(jar, context).cached_path for jar in read_lock()]
    return sum(path is not None and not path.exists() for path in paths)


def kafka_jars(lock: Sequence[LockedJar] | None = None, cache: Path | None = None) -> list[Path]:
    """The verified jars of the lock (the package's by default), fetched where the cache lacks them.

    Raises:
        BrokerError: a jar cannot be fetched or written, or is not the locked one.
    """
    cache = cache or cache_folder()
    lock = read_lock() if lock is None else lock
    context = MavenContext(repo_cache=cache, timeout=_TIMEOUT_S)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # One process fetches, the others find its jars: jgo writes a file in place, so none may see half of one.
        with FileLock(cache / ".lock", timeout=_LOCK_WAIT_S), ThreadPoolExecutor(_PARALLEL) as pool:
            return list(pool.map(lambda jar: _verified(jar, context), lock))
    except Timeout:
        raise BrokerError(
            f"Another process has been fetching Kafka's jars into {cache} for {_LOCK_WAIT_S:.0f} s: "
            "wait for it or stop it, then try again."
        ) from None
    except OSError as error:
        raise BrokerError(
            f"Kafka's jars cannot be kept in {cache} ({error.strerror or error}): make that folder writable or set "
            "XDG_CACHE_HOME."
        ) from None


def _verified(jar: LockedJar, context: MavenContext) -> Path:
    artifact = _artifact(jar, context)
    path = artifact.cached_path
    if path is not None and path.exists():
        if sha256_of(path) == jar.sha256:
            return path
        path.unlink()  # a download that broke off, or a damaged disk: once more
    path = _fetch(artifact)
    found = sha256_of(path)
    if found != jar.sha256:
        path.unlink()
        raise BrokerError(
            f"The fetched {jar.filename} has the SHA-256 {found[:12]}... where the lock file says "
            f"{jar.sha256[:12]}...: do not use it, and find out who answers in place of Maven Central."
        )
    return path


def _artifact(jar: LockedJar, context: MavenContext) -> Artifact:
    return context.project(jar.group, jar.artifact).at_version(jar.version).artifact()


def _fetch(artifact: Artifact) -> Path:
    try:
        return artifact.resolve()
    except (
        requests.RequestException,
        RuntimeError,
    ) as error:  # RuntimeError: jgo's word for "no repository has it"
        if artifact.cached_path is not None:
            artifact.cached_path.unlink(missing_ok=True)
        raise BrokerError(
            f"Kafka's {artifact.filename} cannot be fetched from Maven Central ({type(error).__name__}): connect this "
            f"machine to it once, or copy {artifact.context.repo_cache} from a machine that has it."
        ) from None
