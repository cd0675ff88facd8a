"""Waits on a condition with a deadline: what tests use in place of sleeps."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

_POLL_S: Final = 0.02


def wait_until(condition: Callable[[], T], deadline_s: float, what: str = "the condition") -> T:
    """The first truthy value of `condition`; fails the test when `deadline_s` seconds bring none."""
    until = time.monotonic() + deadline_s
    while not (value := condition()):
        assert time.monotonic() < until, f"{what} did not come true within {deadline_s} s"
        time.sleep(_POLL_S)
    return value


async def wait_until_async(
    condition: Callable[[], Awaitable[T]], deadline_s: float, what: str = "the condition"
) -> T:
    """As `wait_until`, for a condition that is awaited."""
    until = time.monotonic() + deadline_s
    while not (value := await condition()):
        assert time.monotonic() < until, f"{what} did not come true within {deadline_s} s"
        await asyncio.sleep(_POLL_S)
    return value
