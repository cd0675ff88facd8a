import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, web

from lemof_stream.board.feed import Feed
from lemof_stream.board.server import board
from tests.predictions import prediction


@pytest.fixture
def feed() -> Feed:
    return Feed("127.0.0.1:9")  # never run: the test tells the news itself


@pytest.fixture
async def address(feed: Feed) -> AsyncIterator[str]:
    runner = web.AppRunner(board(feed), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def browser() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def tell(feed: Feed, stay: str) -> None:
    feed.beds.take_prediction(prediction(stay))
    feed._tell()


async def event(stream: ClientResponse) -> tuple[str, dict[str, Any]]:
    """The next event: its name and data."""
    name = ""
    async for line in stream.content:
        if line.startswith(b"event: "):
            name = line[7:].decode().strip()
        if line.startswith(b"data: "):
            return name, json.loads(line[6:])
    raise AssertionError("the stream ended")


async def test_a_new_browser_gets_the_present_state_first_and_then_what_changes(
    feed: Feed, address: str, browser: ClientSession
) -> None:
    tell(feed, "stay-1")
    async with browser.get(f"{address}/events") as stream:
        first, state = await event(stream)
        tell(feed, "stay-2")
        second, change = await event(stream)

    assert stream.content_type == "text/event-stream"
    assert (first, [bed["stay"] for bed in state["beds"]]) == ("state", ["stay-1"])
    assert (second, [bed["stay"] for bed in change["beds"]]) == ("change", ["stay-2"])


async def test_the_page_comes_with_all_it_needs_and_nothing_from_elsewhere(
    address: str, browser: ClientSession
) -> None:
    for path, content_type, words in (
        ("/", "text/html", "Research use, not a medical device"),
        ("/board.css", "text/css", ".card"),
        ("/board.js", "text/javascript", "EventSource"),
        ("/favicon.svg", "image/svg+xml", "<svg"),
    ):
        async with browser.get(address + path) as response:
            assert (response.status, response.content_type) == (200, content_type)
            assert response.headers["Content-Security-Policy"] == "default-src 'self'"
            text = await response.text()
        assert words in text
        assert "https://" not in text


async def test_health_says_how_many_beds_there_are(feed: Feed, address: str, browser: ClientSession) -> None:
    tell(feed, "stay-1")

    async with browser.get(f"{address}/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok", "beds": 1})
