"""Runs the demo's ward and sums up what flowed."""

import asyncio
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from lemof_stream.broker import Broker
from lemof_stream.broker.admin import create_topics
from lemof_stream.broker.listen import Address
from lemof_stream.cli.demo.children import Children
from lemof_stream.cli.demo.flow import Flow, Watch
from lemof_stream.errors import BrokerError
from lemof_stream.settings import Settings, load_settings
from lemof_stream.stopping import stop_event
from lemof_stream.worker.audit import Audit, audit

BEDS: Final = 12
SPEED: Final = 120  # an hour of the ward in half a minute: steps close while one looks

_READY_DEADLINE_S: Final = 90.0  # Faust takes some ten seconds to join its group; more on a busy machine
_DRAIN_DEADLINE_S: Final = 60.0  # what is still on its way when the beds stop takes a second or two
_SAY_EVERY_S: Final = 10.0


def run(seconds: int | None) -> int:
    """The demo; returns its exit status."""
    with tempfile.TemporaryDirectory(prefix="lemof-demo-") as folder:
        print("Starting Kafka (the first time its 45 MB are fetched) ...", flush=True)
        with Broker(Path(folder) / "kafka") as broker:
            settings = load_settings(brokers=broker.bootstrap, board_port=_board_port())
            return asyncio.run(_ward(settings, Path(folder), seconds))


def _board_port() -> int:
    wanted = Address("127.0.0.1", load_settings().board_port)
    try:
        return wanted.free().port
    except BrokerError:
        return Address("127.0.0.1", 0).free().port


async def _ward(settings: Settings, folder: Path, seconds: int | None) -> int:
    await create_topics(settings.brokers, settings.partitions, settings.replication)
    environment = {"LEMOF_BROKERS": settings.brokers, "LEMOF_BOARD_PORT": str(settings.board_port)}
    stopped = stop_event()
    async with Watch(settings.brokers) as watch:
        with Children(folder, environment) as children:
            for name in ("ehr", "run", "ward", "board"):
                children.start(name, "lemof", name)
            children.start("beds", "lemof-sim", "ward", "--beds", str(BEDS), "--speed", str(SPEED))
            if not await children.until(lambda: _flows(watch.flow), _READY_DEADLINE_S, stopped):
                print("Nothing flowed.", flush=True)
                return 1
            print(
                f"The board is at http://127.0.0.1:{settings.board_port}  (Ctrl-C stops the demo)", flush=True
            )
            await _report_until(stopped, seconds, watch.flow, children)
            children.stop("beds")
            balance = await _drained(settings, children)
        print(_summary(watch.flow, balance), flush=True)
        return 0 if watch.flow.predictions and balance.balanced else 1


async def _flows(flow: Flow) -> bool:
    return flow.predictions > 0


async def _report_until(stopped: asyncio.Event, seconds: int | None, flow: Flow, children: Children) -> None:
    until = None if seconds is None else time.monotonic() + seconds
    while not stopped.is_set() and (until is None or time.monotonic() < until):
        left = _SAY_EVERY_S if until is None else min(_SAY_EVERY_S, until - time.monotonic())
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), max(left, 0.0))
        children.check()
        print(flow.line(), flush=True)


async def _drained(settings: Settings, children: Children) -> Audit:
    """The audit once every window that was sent is accounted for, or as it stands at the deadline."""
    latest: list[Audit] = []

    async def balanced() -> bool:
        latest[:] = [await audit(settings.brokers, settings.group)]
        return latest[0].balanced and latest[0].pending == 0

    await children.until(balanced, _DRAIN_DEADLINE_S, asyncio.Event())
    return latest[0]


def _summary(flow: Flow, balance: Audit) -> str:
    return (
        f"windows received {balance.received:,}, predicted {balance.predicted:,}, duplicate {balance.duplicate:,}, "
        f"late {balance.late:,}, rejected {balance.rejected:,}: {'balanced' if balance.balanced else 'NOT BALANCED'}\n"
        f"predictions published {flow.predictions:,}, alerts {flow.alerts:,}, "
        f"window to prediction p50 {flow.percentile_ms(50):.0f} ms, p99 {flow.percentile_ms(99):.0f} ms"
    )
