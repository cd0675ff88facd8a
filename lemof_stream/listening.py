"""Serves a small web application for as long as its process runs: the board, the metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from lemof_stream.errors import ConfigError

# Requests take milliseconds, and streams never end by themselves: they are cut.
_STOP_S: Final = 1.0


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int, refusal: str) -> AsyncIterator[str]:
    """Serve `app` meanwhile; yields its address. `refusal`: a sentence for a port that is taken, about `{place}`.

    Raises:
        ConfigError: another program listens on the port.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_S)
    try:
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigError(refusal.format(place=f"{host}:{port} ({error.strerror})")) from None
        bound_host, bound_port = runner.addresses[0][:2]
        yield f"http://{bound_host}:{bound_port}"
    finally:
        await runner.cleanup()
