"""The runner's process inside a test, and waiting for what it has done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from opentelemetry.trace import Tracer

from lemof_stream.contracts.operations import DeadLetter
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import DEAD_LETTERS
from lemof_stream.model import load_checkpoint
from lemof_stream.model.predictor import Predictor
from lemof_stream.settings import Settings
from lemof_stream.worker.audit import Audit, audit
from lemof_stream.worker.process import RunnerProcess
from tests.messages import read_all
from tests.streams import Ward, differences, last_finals, published, repeated
from tests.topics import PARTITIONS
from tests.waiting import wait_until_async

GROUP: Final = "lemof-runner"
SETTLED_S: Final = 60.0
_STOPPED_S: Final = 20.0


def settings(brokers: str, **others: Any) -> Settings:
    """Those of a test: a member that is gone is noticed soon, and nothing waits long for an EHR app."""
    chosen: dict[str, Any] = {"brokers": brokers, "idle_ms": 500, "session_timeout_ms": 2000}
    return Settings(**(chosen | others))


@asynccontextmanager
async def running(
    to: Settings, predictor: Predictor, tracer: Tracer | None = None
) -> AsyncIterator[RunnerProcess]:
    """A member of the runner's group, which leaves it in order at the end."""
    process, stop = RunnerProcess(to, predictor, PARTITIONS, tracer), asyncio.Event()
    task = asyncio.create_task(process.run(stop))
    try:
        yield process
        assert not task.done(), "the runner ended by itself"
    finally:
        stop.set()
        async with asyncio.timeout(_STOPPED_S):
            await task


async def settled(brokers: str, received: int, deadline_s: float = SETTLED_S, group: str = GROUP) -> Audit:
    """The audit, once this many windows were received and none is pending."""

    async def all_taken() -> Audit | None:
        found = await audit(brokers, group)
        return found if found.pending == 0 and found.received >= received else None

    found = await wait_until_async(all_taken, deadline_s, f"the receipt of {received} windows")
    assert found is not None
    return found


async def wait_for_finals(brokers: str, count: int, deadline_s: float) -> list[Prediction]:
    """All predictions, once so many steps have a final one."""

    async def complete() -> bool:
        return len(last_finals(await published(brokers))) >= count

    await wait_until_async(complete, deadline_s, "the finals of every step")
    return await published(brokers)


async def assert_nothing_lost_or_twice(brokers: str, ward: Ward, deadline_s: float) -> None:
    """What a fault leaves behind: every window counted once, every final as without the fault, nothing repeated."""
    windows = len(ward.windows())
    balance = await settled(brokers, windows, deadline_s)
    assert balance.balanced, balance.problems
    assert (balance.received, balance.predicted) == (windows, windows)
    expected = ward.finals(load_checkpoint())
    predictions = await wait_for_finals(brokers, len(expected), deadline_s)
    assert differences(last_finals(predictions), expected) == []
    assert repeated(predictions) == []


async def letters(brokers: str) -> list[DeadLetter]:
    return [DeadLetter.from_bytes(record.value) for record in await read_all(brokers, DEAD_LETTERS)]
