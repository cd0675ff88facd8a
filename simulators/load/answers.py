"""Reads predictions as they are committed, and finds the window that each answers.

A window is answered by the first prediction of its stay that holds it or a later one: windows that wait together
refresh a prediction once.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import numpy as np
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from numpy.typing import NDArray
from pydantic_core import from_json

from lemof_stream.broker.stopping import stop_client
from lemof_stream.contracts.topics import DEAD_LETTERS, PREDICTIONS
from lemof_stream.errors import BrokerError
from lemof_stream.worker.clients import follower
from simulators.load.beds import Beds
from simulators.load.generator import Start
from simulators.load.plan import Schedule

_POLL_MS: Final = 1000  # only a bound: records are handed out as they come


class Waiting:
    """The windows of a schedule that wait for their prediction."""

    def __init__(self, due: Schedule) -> None:
        self._due_s = due.due_s
        self._order = np.argsort(due.bed, kind="stable")
        bed = due.bed[self._order]
        beds = np.arange(int(bed[-1]) + 1 if len(bed) else 0)
        self._end_ms: list[int] = due.end_ms[self._order].tolist()
        self._next: list[int] = np.searchsorted(bed, beds).tolist()
        self._stop: list[int] = np.searchsorted(bed, beds, side="right").tolist()
        self._answered_s = np.full(len(bed), np.nan)
        self._start = Start(wall_ms=0, monotonic_s=0.0)
        self.left = len(bed)

    def begin(self, start: Start) -> None:
        """Second 0 of the schedule is then."""
        self._start = start

    def answer(self, bed: int, event_ms: int, at_s: float) -> None:
        """A prediction of a bed came, monotonic time `at_s`, that holds its windows up to an event time."""
        if bed >= len(self._next):
            return
        first = place = self._next[bed]
        upto_ms = event_ms - self._start.wall_ms
        while place < self._stop[bed] and self._end_ms[place] <= upto_ms:
            place += 1
        if place > first:
            self._answered_s[first:place] = at_s - self._start.monotonic_s
            self._next[bed] = place
            self.left -= place - first

    def answered_s(self) -> NDArray[np.float64]:
        """When each window of the schedule was answered, since second 0 [N]; NaN where none came."""
        answered_s = np.empty_like(self._answered_s)
        answered_s[self._order] = self._answered_s
        return answered_s


class Answers:
    """What was published since the reading began."""

    def __init__(self, consumer: AIOKafkaConsumer, beds: Beds) -> None:
        self._consumer = consumer
        self._beds = beds
        self._waiting: Waiting | None = None
        self.newest_s = time.monotonic()
        """When the last prediction of ours came."""
        self._letters: list[tuple[float, int]] = []

    def expect(self, beds: Beds, waiting: Waiting) -> None:
        """From now on answer these."""
        self._beds, self._waiting = beds, waiting

    @property
    def left(self) -> int:
        """Windows that still wait."""
        return 0 if self._waiting is None else self._waiting.left

    def letters_since(self, monotonic_s: float) -> list[tuple[float, int]]:
        """When dead letters came, in seconds since then, and how many."""
        return [(at - monotonic_s, count) for at, count in self._letters if at >= monotonic_s]

    async def read(self) -> None:
        """Read until cancelled."""
        while True:
            fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
            now = time.monotonic()
            for place, records in fetched.items():
                if place.topic == DEAD_LETTERS:
                    self._letters.append((now, len(records)))
                else:
                    self._take(records, now)

    def _take(self, records: list[ConsumerRecord], now: float) -> None:
        for record in records:
            if record.value is None or self._waiting is None:  # the tombstone of a stay that left
                continue
            # Not through the contract, which would take ten times as long: the machine is the one that is measured.
            message = from_json(record.value)
            bed = self._beds.bed_of(message["stay_id"])
            if bed is not None:
                event_ms = round(datetime.fromisoformat(message["event_time"]).timestamp() * 1000)
                self._waiting.answer(bed, event_ms, now)
                self.newest_s = now


@asynccontextmanager
async def open_answers(brokers: str, partitions: int, beds: Beds) -> AsyncIterator[Answers]:
    """What is committed to predictions and dead letters from now on, read beside what the caller does.

    Raises:
        BrokerError: Kafka went away.
    """
    consumer = follower(brokers, "latest")
    task = None
    try:
        await consumer.start()
        places = [
            TopicPartition(topic, n) for topic in (PREDICTIONS, DEAD_LETTERS) for n in range(partitions)
        ]
        consumer.assign(places)
        for place, end in (await consumer.end_offsets(places)).items():
            consumer.seek(place, end)
        answers = Answers(consumer, beds)
        task = asyncio.create_task(answers.read())
        yield answers
    except KafkaError as error:
        raise BrokerError(
            f"Kafka at {brokers} gave no more predictions ({type(error).__name__}): see whether it still runs "
            "(`lemof broker status`) and start again."
        ) from None
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await stop_client(consumer)
