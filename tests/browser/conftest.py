"""A real Chromium, and the board it looks at."""

import shutil
from collections.abc import AsyncIterator
from typing import Final

import pytest
from playwright.async_api import Page, async_playwright, expect

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
_EXPECT_MS: Final = 20_000  # from a message on a topic to the page, on a busy machine

expect.set_options(timeout=_EXPECT_MS)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """An empty page on a desktop's screen, in UTC. What a script of the page throws fails the test."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    assert program is not None, (
        "The browser tests need Chromium on the PATH: install it with your package manager."
    )
    thrown: list[object] = []

    def note(error: object) -> None:  # playwright cannot mark a built-in method as its handler
        thrown.append(error)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(_OPTIONS))
        page = await browser.new_page(
            viewport={"width": 1280, "height": 900}, timezone_id="UTC", locale="en-GB"
        )
        page.on("pageerror", note)
        yield page
        await browser.close()
    assert thrown == []
