"""Ends a process with all its children, and knows a dead one when it sees one."""

import time
from typing import Final

import psutil

_STOP_DEADLINE_S: Final = 15.0  # an orderly stop of Kafka takes 0.4 s


def end(process: psutil.Process) -> None:
    """Ends a process and its children: asks, then kills after a deadline. Works on a child and on a stranger."""
    try:
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:
        family = [process]
    if not _gone(family, _STOP_DEADLINE_S):
        for member in family:
            if member.is_running():
                member.kill()
        _gone(family, _STOP_DEADLINE_S)


def _gone(family: list[psutil.Process], deadline_s: float) -> bool:
    """Waits until no member lives. A zombie is dead: whose parent does not collect it stays in the table."""
    until = time.monotonic() + deadline_s
    while any(_lives(member) for member in family):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _lives(process: psutil.Process) -> bool:
    if isinstance(process, psutil.Popen):
        return process.poll() is None
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
