"""Steering a replay while it runs: by its API, and by keys."""

import asyncio
import fcntl
import json
import os
import pty
import subprocess
import sys
import termios
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from lemof_stream.cohorts import read_cohort
from lemof_stream.contracts.ehr import Watermark, read_ehr_event
from lemof_stream.contracts.topics import EHR_EVENTS, VITALS
from lemof_stream.contracts.vitals import VitalWindow
from simulators.feed import ORIGIN, timeline_of
from simulators.replay import CohortFeed
from tests.messages import read_all
from tests.topics import PARTITIONS
from tests.waiting import wait_until

_SIM: Final = (sys.executable, "-c", "from simulators.cli.main import main; main()")
_STAYS: Final = 10
_DEADLINE_S: Final = 120.0


class Steered:
    """A replay and its API."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process = process
        self.address = address

    def ask(self, **change: object) -> dict[str, Any]:
        """Its position, after a change where one is given."""
        request = Request(self.address)  # noqa: S310 -- http, of a program of this test
        if change:
            request.method, request.data = "PATCH", json.dumps(change).encode()
        with urlopen(request, timeout=_DEADLINE_S) as answer:  # noqa: S310 -- likewise
            told: dict[str, Any] = json.load(answer)
        return told

    def refused(self, **change: object) -> str:
        """What it says of a change that it does not make."""
        with pytest.raises(HTTPError) as refusal:
            self.ask(**change)
        with refusal.value as answer:
            told: dict[str, str] = json.load(answer)
        assert (answer.code, set(told)) == (422, {"error"})
        return told["error"]

    def end(self) -> dict[str, Any]:
        """Wait for its end; what it told, and its exit status."""
        out, _ = self.process.communicate(timeout=_DEADLINE_S)
        told: dict[str, Any] = json.loads(out)
        return told | {"status": self.process.returncode}


@contextmanager
def steered(brokers: str, data: Path, stdin: int = subprocess.DEVNULL) -> Iterator[Steered]:
    """A replay of an hour a second, with a terminal where `stdin` is one."""
    arguments = (
        "replay", "physionet2012", "--data", str(data), "--brokers", brokers, "--stays", str(_STAYS),
        "--speed", "3600", "--control", "127.0.0.1:0", "--json",
    )  # fmt: skip
    with subprocess.Popen(
        [*_SIM, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=None if stdin < 0 else lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    ) as process:
        try:
            assert process.stderr is not None
            yield Steered(process, process.stderr.readline().removeprefix("Control: ").strip())
        finally:
            process.kill()


def windows(brokers: str) -> Counter[tuple[str, datetime]]:
    """How often each window lies on the topic."""
    sent = [VitalWindow.from_bytes(record.value) for record in asyncio.run(read_all(brokers, VITALS))]
    return Counter((window.window_id, window.end) for window in sent)


@pytest.fixture(scope="module")
def recorded(first_stays: Path) -> set[tuple[str, datetime]]:
    """The windows of the replayed stays."""
    cohort = read_cohort("physionet2012", first_stays).take(range(_STAYS))
    messages = (m for moment in timeline_of(CohortFeed(cohort)).moments for m in moment.messages)
    return {(m.window_id, m.end) for m in messages if isinstance(m, VitalWindow)}


def test_forward_nothing_is_left_out_and_back_messages_are_sent_again(
    topics: str, first_stays: Path, recorded: set[tuple[str, datetime]]
) -> None:
    noon, midnight = ORIGIN + timedelta(hours=12), ORIGIN + timedelta(hours=24)
    until_midnight = {window for window in recorded if window[1] <= midnight}
    with steered(topics, first_stays) as replay:
        paused = replay.ask(paused=True)
        assert paused["paused"]
        assert datetime.fromisoformat(paused["at"]) < midnight
        replay.ask(seek=midnight.isoformat())
        wait_until(lambda: set(windows(topics)) == until_midnight, _DEADLINE_S, "all that lies between")
        assert replay.ask() == replay.ask(paused=True)
        assert datetime.fromisoformat(replay.ask()["at"]) == midnight
        replay.ask(seek=noon.isoformat(), speed="max")
        wait_until(lambda: replay.ask()["at"] == noon.isoformat().replace("+00:00", "Z"), _DEADLINE_S, "noon")
        replay.ask(paused=False)
        told = replay.end()

    assert (told["status"], told["complete"]) == (0, True)
    copies = windows(topics)
    assert set(copies) == recorded
    assert copies == Counter({w: 2 if w in until_midnight and w[1] >= noon else 1 for w in recorded})
    assert told["windows"] == copies.total()
    reached = dict.fromkeys(range(PARTITIONS), ORIGIN - timedelta(days=1))
    for record in asyncio.run(read_all(topics, EHR_EVENTS)):
        event = read_ehr_event(record.value)
        if isinstance(event, Watermark):
            assert event.event_time >= reached[record.partition]
            reached[record.partition] = event.event_time


def test_what_the_api_cannot_do_it_says_in_a_sentence(topics: str, first_stays: Path) -> None:
    with steered(topics, first_stays) as replay:
        assert "lies outside of what is replayed" in replay.refused(seek="2000-01-01T00:00:00Z", speed=5)
        assert replay.refused(seek="2100-01-01T00:00:00").startswith("seek: ")
        assert replay.refused(speed=-1).startswith("speed.")
        assert replay.refused(pause=True).startswith("pause: ")
        assert replay.ask()["speed"] == 3600


def test_keys_of_a_terminal_steer(topics: str, first_stays: Path) -> None:
    keyboard, terminal = pty.openpty()
    try:
        with steered(topics, first_stays, terminal) as replay:

            def press(key: bytes, name: str, value: object) -> None:
                os.write(keyboard, key)
                wait_until(lambda: replay.ask()[name] == value, _DEADLINE_S, f"{name} {value}")

            wait_until(lambda: not termios.tcgetattr(terminal)[3] & termios.ICANON, _DEADLINE_S, "keys")
            press(b" ", "paused", True)
            press(b"+", "speed", 7200)
            press(b"-", "speed", 3600)
            before = datetime.fromisoformat(replay.ask()["at"])
            os.write(keyboard, b"\x1b[C")
            wait_until(
                lambda: datetime.fromisoformat(replay.ask()["at"]) == before + timedelta(hours=1),
                _DEADLINE_S,
                "an hour on",
            )
            os.write(keyboard, b"q")
            told = replay.end()
            assert (told["status"], told["complete"]) == (1, False)
            assert termios.tcgetattr(terminal)[3] & termios.ICANON
    finally:
        os.close(keyboard)
        os.close(terminal)
