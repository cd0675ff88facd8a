"""What a Faust app's process tells of itself while it runs: metrics, traces, and whether it gets on.

An agent of Faust may stop while its process lives and its heartbeats go on, so what is watched is progress: messages
that are acknowledged, records of a changelog that are read, or that there is nothing to do.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from faust.types import EventT
from opentelemetry.trace import SpanKind, Tracer
from prometheus_client import CollectorRegistry, ProcessCollector

from lemof_stream.settings import Settings
from lemof_stream.telemetry.app_metrics import AppFacts, AppMetrics
from lemof_stream.telemetry.serving import serving
from lemof_stream.telemetry.tracing import NO_HEADERS, Headers, headers_of, receiving, sampled_context
from lemof_stream.worker.faust_app import App, Table

# A rebalance waits for members that are gone (30 s), Kafka for a writer that is (30 s): neither is a standstill.
_STANDSTILL_S: Final = 120.0
_LOOK_EVERY_S: Final = 1.0


@dataclass(slots=True)
class Taken:
    """A message in the hands of the app. `headers`: what goes with whatever is written for it."""

    headers: Headers = NO_HEADERS
    kind: str = ""
    stay_id: str | None = None


class AppObserver:
    """Counts what is taken, knows when something last was, and answers scrapes and probes."""

    def __init__(self, app: App, settings: Settings, tracer: Tracer | None = None) -> None:
        self.table: Table | None = None
        """Set by the app when it has made it."""
        self.reached: Callable[[], Mapping[int, float]] = dict
        """Event time of the EHR feed by partition, of an app that knows it."""
        self.address: str | None = None
        self._app = app
        self._settings = settings
        self._tracer = tracer
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._metrics = AppMetrics(self._registry)
        self._moved_at = time.monotonic()
        self._moves = 0

    @contextmanager
    def taking(self, event: EventT[Any]) -> Iterator[Taken]:
        """The app takes a message; what it is and whose it fills in. A sampled trace goes on with it."""
        message, taken = event.message, Taken()
        headers = list(dict(message.headers or ()).items()) if self._tracer is not None else ()
        context = sampled_context(headers)
        if self._tracer is None or context is None:
            yield taken
        else:
            name = f"process {message.topic}"
            with self._tracer.start_as_current_span(name, context, kind=SpanKind.CONSUMER) as span:
                taken.headers = headers_of(span)
                yield taken
                span.set_attributes(
                    receiving(
                        message.topic,
                        message.partition,
                        message.offset,
                        taken.stay_id,
                        "taken" if taken.kind else "refused",
                    )
                )
        if taken.kind:
            self._metrics.took(message.topic, taken.kind)

    def refused(self, reason: str) -> None:
        """A message went to the dead letters."""
        self._metrics.refused(reason)

    def moved(self) -> None:
        """The app got on, or has nothing to do."""
        self._moved_at = time.monotonic()

    def gets_on(self) -> bool:
        """Whether it got on lately, as far as there was something to do."""
        return time.monotonic() - self._moved_at < _STANDSTILL_S

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Watch, and serve metrics where a port is set, meanwhile.

        Raises:
            ConfigError: another program listens on the port.
        """
        watching = asyncio.create_task(self._watch())
        try:
            async with serving(self._settings, self._registry, self._refresh, self.gets_on) as self.address:
                yield
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            moves = self._app.moves
            if moves != self._moves or (self._app.settled and await self._idle()):
                self.moved()
            self._moves = moves

    async def _idle(self) -> bool:
        lags = (await self._app.lags()).values()
        return None not in lags and not any(lags)

    async def _refresh(self) -> None:
        data = {} if self.table is None else self.table.data
        lags = await self._app.lags() if self._app.settled else {}
        self._metrics.look(
            AppFacts(
                lag={(tp.topic, tp.partition): lag for tp, lag in lags.items() if lag is not None},
                table_records=len(data),
                table_bytes=sum(len(key) + len(value) for key, value in data.items()),
                progress_age_s=time.monotonic() - self._moved_at,
                reached=self.reached(),
            ),
            time.time(),
        )
