"""Ctrl-C and SIGTERM as a request that the program itself answers, in place of its end at once."""

import asyncio
import signal
from collections.abc import Callable


def on_stop(call: Callable[[], object]) -> None:
    """Have both signals call this, in the running event loop."""
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, call)


def stop_event() -> asyncio.Event:
    """An event that both signals set."""
    stopped = asyncio.Event()
    on_stop(stopped.set)
    return stopped
