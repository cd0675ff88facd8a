"""Plays a recording back: the records of its input topics, bit for bit.

Topics, partitions, keys, values, headers, timestamps and the order within a partition are those of the recording;
offsets go on from where the topics end. Only what a ward receives is sent. What was recorded of its outputs stays in
the file: the runner of this Kafka predicts anew, and `lemof-sim diff` compares.

A record is due when as much time has passed since the first as between their timestamps, divided by the speed. Across
partitions they go out in the order of their timestamps, also at full speed.
"""

import asyncio
import time
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel

from lemof_stream.broker.admin import admin_client, require_topics, topic_settings
from lemof_stream.contracts.topics import EHR_EVENTS, VITALS
from lemof_stream.errors import ConfigError, DataError
from simulators.recording import Recording, Row, rows_of
from simulators.sender import Sender

INPUTS: Final = (VITALS, EHR_EVENTS)
"""The topics that are sent: what comes into a ward from outside."""

# Rows that are objects at a time, out of a table that is some tenth of their size.
_CHUNK: Final = 4096
# Kafka's own default: records stamped further ahead of its clock are refused.
_AHEAD_MS: Final = 3_600_000


class PlayedBack(BaseModel):
    """What was sent, and how fast."""

    complete: bool
    """Whether the recording was played to its end."""
    broken_off: bool
    """Whether the recording itself lacks its end."""
    records: dict[str, int]
    """Sent, by topic."""
    left_out: dict[str, int]
    """Recorded and not sent, as they are no inputs, by topic."""
    seconds: float
    speed_up: float
    """Seconds of the recording a second of wall time."""


class Playback:
    """One playing of a recording. `speed` is a multiple of the recorded pace; None is as fast as possible."""

    def __init__(self, recording: Recording, speed: float | None) -> None:
        self._recording = recording
        self._speed = speed
        self._stopped = asyncio.Event()
        self._rows = recording.table(*INPUTS).combine_chunks()  # else each `take` would
        self._order, self._due_ms = _in_order(self._rows)

    def __len__(self) -> int:
        return len(self._order)

    def stop(self) -> None:
        """End after what is due now."""
        self._stopped.set()

    async def check(self, brokers: str) -> None:
        """Can this Kafka take the records as they are?

        Raises:
            BrokerError: no Kafka answers, or it lacks a topic.
            ConfigError: it has other partitions, or would restamp, refuse or at once delete records.
            DataError: the recording holds no inputs.
        """
        if not len(self):
            raise DataError(
                f"{self._recording} holds no records of {' or '.join(INPUTS)}, so there is nothing to replay."
            )
        recorded = {topic: n for topic, n in self._recording.heading.topics.items() if topic in INPUTS}
        for topic, count in (await require_topics(brokers, *recorded)).items():
            if count != recorded[topic]:
                raise ConfigError(
                    f"{topic} has {count} partitions at {brokers} and {recorded[topic]} in {self._recording}, so "
                    "stays would lie elsewhere: replay onto a Kafka whose topics were created with "
                    f"`lemof topics create --partitions {recorded[topic]}`."
                )
        stamps = self._rows["timestamp"].to_numpy()
        async with admin_client(brokers) as client:
            for topic in recorded:
                settings = await topic_settings(client, topic)
                _check_stamps(f"{topic} at {brokers}", settings, int(stamps.min()), int(stamps.max()))

    async def play(self, sender: Sender) -> PlayedBack:
        """Send every input.

        Raises:
            BrokerError: Kafka does not take them.
        """
        sent: dict[str, int] = dict.fromkeys(
            (topic for topic in INPUTS if topic in self._recording.heading.topics), 0
        )
        started = time.monotonic()
        reached_ms = 0
        for first in range(0, len(self), _CHUNK):
            part = self._order[first : first + _CHUNK]
            due_ms = self._due_ms[first : first + _CHUNK].tolist()
            for row, due in zip(rows_of(self._rows.take(part)), due_ms, strict=True):
                await self._wait_until(due, started, sender)
                if self._stopped.is_set():
                    break
                await _send(row, sender)
                sent[row.topic] += 1
                reached_ms = due
            await sender.push()
            await asyncio.sleep(0)  # lets a signal in, where nothing else waits
            if self._stopped.is_set():
                break
        await sender.flush()
        seconds = time.monotonic() - started
        return PlayedBack(
            complete=sum(sent.values()) == len(self),
            broken_off=self._recording.broken_off,
            records=sent,
            left_out={t: n for t, n in self._recording.counts().items() if t not in INPUTS},
            seconds=round(seconds, 3),
            speed_up=round(reached_ms / 1000 / seconds, 1),
        )

    async def _wait_until(self, due_ms: int, started: float, sender: Sender) -> None:
        if self._speed is None:
            return
        wait_s = due_ms / 1000 / self._speed - (time.monotonic() - started)
        if wait_s <= 0:
            return
        await sender.push()
        try:
            async with asyncio.timeout(wait_s):
                await self._stopped.wait()
        except TimeoutError:
            return


async def _send(row: Row, sender: Sender) -> None:
    await sender.append(row.topic, row.partition, row.key, row.value, row.headers, row.timestamp)


def _in_order(rows: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order to send in [n], and when each is due [n], in ms after the first.

    A record whose timestamp lies before that of one ahead of it in its partition is due with that one.
    """
    due = rows["timestamp"].to_numpy().copy()
    if not len(due):
        return due, due
    topic = rows["topic"].combine_chunks().dictionary_encode().indices.to_numpy()
    place = topic.astype(np.int64) << 32 | rows["partition"].to_numpy()
    for one in np.unique(place):
        own = place == one
        due[own] = np.maximum.accumulate(due[own])
    order = np.argsort(due, kind="stable")  # rows of one partition never change places
    return order, due[order] - due.min()


def _check_stamps(where: str, settings: dict[str, str], oldest_ms: int, newest_ms: int) -> None:
    now = int(time.time() * 1000)
    if settings["message.timestamp.type"] != "CreateTime":
        raise ConfigError(
            f"{where} stamps records anew, so they would not be those of the recording: "
            "set its message.timestamp.type to CreateTime."
        )
    if newest_ms - now > int(settings.get("message.timestamp.after.max.ms", _AHEAD_MS)):
        raise ConfigError(
            f"{where} refuses records stamped {_date(newest_ms)}, as the last of the recording is: "
            "set its message.timestamp.after.max.ms higher, or mend the clock."
        )
    for name, what in (("message.timestamp.before.max.ms", "refuses"), ("retention.ms", "soon deletes")):
        limit = int(settings.get(name, -1))
        if 0 <= limit < now - oldest_ms:
            raise ConfigError(
                f"{where} {what} records stamped {_date(oldest_ms)}, as the first of the recording is "
                f"({name}={limit}): set its {name} higher before the replay, -1 for no limit."
            )


def _date(stamp_ms: int) -> str:
    return f"{np.datetime64(stamp_ms, 'ms')} UTC"  # of any number, where a datetime ends with the year 9999
