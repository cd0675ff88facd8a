"""The board's web server: a static page, and a stream of what changes (server-sent events)."""

import asyncio
import json
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Final

from aiohttp import web

from lemof_stream.board.feed import TOPICS, Feed
from lemof_stream.broker.admin import require_topics
from lemof_stream.listening import listening
from lemof_stream.settings import Settings
from lemof_stream.telemetry import configure_logs, get_logger

_BUNDLE_S: Final = (
    0.5  # changes go out twice a second at most: faster is flicker, and a replay changes thousands
)
_ALIVE_S: Final = 15.0  # a comment this often tells proxies and dead connections from quiet wards
_RETRY_MS: Final = 1_000  # how soon a browser comes back after the connection broke
_REFUSAL: Final = (
    "The board cannot listen on {place}: stop the program that does, or choose another port with --port or "
    "LEMOF_BOARD_PORT."
)

_FEED: Final = web.AppKey("feed", Feed)
_STATIC: Final = files("lemof_stream.board") / "static"
_PAGES: Final = {
    "/": ("index.html", "text/html"),
    "/board.css": ("board.css", "text/css"),
    "/board.js": ("board.js", "text/javascript"),
    "/favicon.svg": ("favicon.svg", "image/svg+xml"),
}
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_log = get_logger(__name__)


def board(feed: Feed) -> web.Application:
    """The web application that shows what `feed` brings."""
    app = web.Application()
    app[_FEED] = feed
    app.add_routes([web.get(path, _page) for path in _PAGES])
    app.add_routes([web.get("/events", _events), web.get("/healthz", _health)])
    return app


async def run_board(settings: Settings) -> None:
    """Serve the board until cancelled.

    Raises:
        BrokerError: no Kafka answers, or a topic is missing.
        ConfigError: another program listens on the port.
    """
    await require_topics(
        settings.brokers, *TOPICS
    )  # before there is a log that repeats what Kafka's client thinks
    configure_logs(settings)
    feed = Feed(settings.brokers)
    following = asyncio.create_task(feed.run())
    try:
        async with listening(board(feed), settings.board_host, settings.board_port, _REFUSAL) as address:
            _log.info("the board is up", address=address)
            await following
    finally:
        following.cancel()


async def _page(request: web.Request) -> web.Response:
    name, content_type = _PAGES[request.path]
    text = (_STATIC / name).read_text(encoding="utf-8")
    return web.Response(text=text, content_type=content_type, charset="utf-8", headers=_HEADERS)


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok", "beds": request.app[_FEED].beds.present}, headers=_HEADERS)


async def _events(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers=_HEADERS | {"Content-Type": "text/event-stream"})
    await response.prepare(request)
    try:
        async for chunk in _changes(request.app[_FEED]):
            await response.write(chunk)
    except ConnectionResetError:
        pass  # the browser left
    return response


async def _changes(feed: Feed) -> AsyncIterator[bytes]:
    """The present state, then what changes: one `state` event, then `change` events."""
    yield f"retry: {_RETRY_MS}\n\n".encode()
    seen, name = 0, "state"
    while True:
        payload = json.dumps(feed.beds.since(seen), separators=(",", ":"))
        seen = feed.beds.version
        yield f"event: {name}\ndata: {payload}\n\n".encode()
        name = "change"
        await asyncio.sleep(_BUNDLE_S)
        while True:
            try:
                async with asyncio.timeout(_ALIVE_S):
                    await feed.beyond(seen)
                break
            except TimeoutError:
                yield b": quiet\n\n"
