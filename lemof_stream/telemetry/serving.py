"""Serves a process's metrics and whether it gets on."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from lemof_stream.listening import listening
from lemof_stream.settings import Settings
from lemof_stream.telemetry.logs import get_logger

_REFUSAL: Final = (
    "Metrics cannot be served on {place}: stop the program that listens there, or choose another port with "
    "LEMOF_METRICS_PORT."
)

_log = get_logger(__name__)


@asynccontextmanager
async def serving(
    settings: Settings,
    registry: CollectorRegistry,
    refresh: Callable[[], Awaitable[None]],
    gets_on: Callable[[], bool],
) -> AsyncIterator[str | None]:
    """Serve `/metrics`, refreshed before each scrape, and `/healthz`; yields the address, None where it is off.

    Raises:
        ConfigError: another program listens on the port.
    """
    if settings.metrics_port is None:
        yield None
        return
    app = _app(registry, refresh, gets_on)
    async with listening(app, settings.metrics_host, settings.metrics_port, _REFUSAL) as address:
        _log.info("metrics are served", address=f"{address}/metrics")
        yield address


def _app(
    registry: CollectorRegistry, refresh: Callable[[], Awaitable[None]], gets_on: Callable[[], bool]
) -> web.Application:
    exposition = make_aiohttp_handler(registry)

    async def metrics(request: web.Request) -> web.StreamResponse:
        await refresh()
        return await exposition(request)

    async def health(_request: web.Request) -> web.Response:
        if gets_on():
            return web.json_response({"status": "ok"})
        return web.json_response({"status": "stands still"}, status=503)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", health)])
    return app
