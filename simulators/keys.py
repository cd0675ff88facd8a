"""Keys of a terminal that steer a replay."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from simulators.play import Player

HELP: Final = "space pauses, + and - double and halve the speed, arrows go an hour on and back, q quits"
_HOUR: Final = timedelta(hours=1)
_RIGHT, _LEFT = "\x1b[C", "\x1b[D"
_AT_ONCE: Final = 64  # bytes of one read: keys come one by one, the bytes of an arrow together


@contextmanager
def keys(player: Player) -> Iterator[bool]:
    """Steer by keys meanwhile; yields whether there is a terminal that they come from."""
    terminal = sys.stdin.fileno() if sys.stdin.isatty() else None
    # A job in the background that touches its terminal's settings is stopped by the system.
    if terminal is None or os.tcgetpgrp(terminal) != os.getpgrp():
        yield False
        return
    before = termios.tcgetattr(terminal)
    loop = asyncio.get_running_loop()
    tty.setcbreak(terminal)
    loop.add_reader(terminal, lambda: press(player, os.read(terminal, _AT_ONCE).decode(errors="ignore")))
    try:
        yield True
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def press(player: Player, key: str) -> None:
    """Do what a key means; others mean nothing."""
    if key == " ":
        player.paused = not player.paused
    elif key in {"+", "-"} and player.speed is not None:
        player.speed *= 2 if key == "+" else 0.5
    elif key in {_RIGHT, _LEFT}:
        position = player.position()
        at = position.at + (_HOUR if key == _RIGHT else -_HOUR)
        player.seek(max(player.origin, at if position.end is None else min(at, position.end)))
    elif key == "q":
        player.stop()
