"""Waits until a Kafka that was just started serves, or says why it does not."""

import asyncio
import contextlib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from lemof_stream.broker.folder import DataFolder
from lemof_stream.broker.listen import Address, PortTakenError
from lemof_stream.errors import BrokerError

_POLL_S: Final = 0.05
_ASK_S: Final = 5.0  # one question to a broker that has just opened its port
_TAIL_BYTES: Final = 64 << 10  # the end of a log, where the reason is
_TROUBLE: Final = re.compile(r"\b(ERROR|FATAL)\b|Exception|Error")
_TAKEN: Final = re.compile(r"BindException|Address already in use")


def wait_until_ready(
    process: psutil.Popen, folder: DataFolder, listen: Address, cluster_id: str, deadline_s: float
) -> None:
    """Returns when the broker answers as the cluster that was started.

    Raises:
        PortTakenError: another program has the port.
        BrokerError: Kafka died, or the deadline passed.
    """
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        if process.poll() is not None:
            raise _death(folder, listen)
        if listen.answers():
            answered = _ask(str(listen))
            if answered == cluster_id:
                return
            if answered is not None:
                raise PortTakenError(f"Another Kafka answers on {listen}: stop it, or choose another port.")
        time.sleep(_POLL_S)
    raise BrokerError(
        f"Kafka did not serve on {listen} within {deadline_s:.0f} s ({last_words(folder)}): "
        f"read {folder.server_log}, free memory or processors, and start it again."
    )


def last_words(folder: DataFolder) -> str:
    """The line of the logs that tells most: the last with an error, else the last."""
    lines = [*_tail(folder.console_log), *_tail(folder.server_log)]
    telling = [line for line in lines if _TROUBLE.search(line) and not line.lstrip().startswith("at ")]
    return (telling or lines or ["it logged nothing"])[-1].strip()


def _death(folder: DataFolder, listen: Address) -> BrokerError:
    if any(_TAKEN.search(line) for line in _tail(folder.server_log)):
        return PortTakenError(
            f"Kafka found its port taken while it started on {listen}: stop the program that has it, or choose "
            "another port."
        )
    return BrokerError(
        f"Kafka died while it started: {last_words(folder)} (more in {folder.server_log}); mend that and start it "
        "again."
    )


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return []


def _ask(bootstrap: str) -> str | None:
    """The cluster id that a Kafka at `bootstrap` gives, None while it gives none."""
    with ThreadPoolExecutor(1) as pool:  # a thread of its own: the caller may be inside an event loop
        return pool.submit(asyncio.run, _cluster_id(bootstrap)).result()


async def _cluster_id(bootstrap: str) -> str | None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(_ASK_S * 1000))
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(_ASK_S):
            await admin.start()
            try:
                cluster = await admin.describe_cluster()
            finally:
                await admin.close()
            return str(cluster["cluster_id"]) if cluster["brokers"] else None
    return None
