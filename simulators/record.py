"""Records live topics into a file."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from pydantic import BaseModel

from lemof_stream.broker.admin import require_topics
from lemof_stream.broker.stopping import stop_client
from lemof_stream.errors import BrokerError
from lemof_stream.worker.clients import follower
from simulators.recording import Heading, RecordingWriter, Row, new_recording

# The longest wait for records, so that a stop is seen soon; those that are there come at once.
_POLL_MS: Final = 200
# What a kill may lose.
_FLUSH_S: Final = 1.0
# A leader moves within a few seconds; a broker that has said nothing for this long is down.
_SILENCE_S: Final = 40.0
# Who asks for the end waits for it: a Kafka that is there answers within milliseconds.
_LAST_ANSWER_S: Final = 5.0


class Recorded(BaseModel):
    """What a recording holds."""

    file: str
    seconds: float
    records: dict[str, int]
    """By topic."""


async def record(
    brokers: str,
    topics: Sequence[str],
    out: Path,
    *,
    from_beginning: bool,
    stopped: asyncio.Event,
    begun: Callable[[], None],
) -> Recorded:
    """Record committed records until `stopped` is set; all that the topics hold at that moment is in the file.

    `begun` is told when every position is fixed: whatever is written from then on is recorded.

    Raises:
        BrokerError: Kafka does not answer, lacks a topic, or deletes what was not read yet.
        ConfigError: `out` is there already.
        DataError: it cannot be written.
    """
    partitions = await require_topics(brokers, *topics)
    places = [TopicPartition(topic, number) for topic, count in partitions.items() for number in range(count)]
    started = time.monotonic()
    consumer = follower(brokers, "none")  # a gap is to be told, not to be leapt over
    try:
        await consumer.start()
        consumer.assign(places)
        offsets = await (consumer.beginning_offsets if from_beginning else consumer.end_offsets)(places)
        for place, offset in offsets.items():
            consumer.seek(place, offset)
        with new_recording(out, Heading(started_at=datetime.now(UTC), topics=partitions)) as writer:
            recorder = _Recorder(consumer, brokers, places, writer)
            begun()
            await recorder.follow(stopped)
    except OffsetOutOfRangeError:
        raise BrokerError(
            f"Kafka at {brokers} deleted records before they were recorded, by its retention: record again, or "
            f"lengthen the retention of the topics; {out} is broken off there."
        ) from None
    except KafkaError as error:
        raise BrokerError(
            f"Kafka at {brokers} could not be read on ({type(error).__name__}): see whether it still runs."
        ) from None
    finally:
        await stop_client(consumer)
    return Recorded(
        file=str(out), seconds=round(time.monotonic() - started, 3), records=recorder.records(topics)
    )


class _Recorder:
    def __init__(
        self, consumer: AIOKafkaConsumer, brokers: str, places: list[TopicPartition], writer: RecordingWriter
    ) -> None:
        self._consumer = consumer
        self._brokers = brokers
        self._places = places
        self._writer = writer
        self._counts = dict.fromkeys(places, 0)
        self._began = time.time()
        self._flushed = time.monotonic()

    def records(self, topics: Sequence[str]) -> dict[str, int]:
        return {
            topic: sum(count for place, count in self._counts.items() if place.topic == topic)
            for topic in topics
        }

    async def follow(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            await self._take(None)
        try:
            async with asyncio.timeout(_LAST_ANSWER_S):
                ends = await self._consumer.end_offsets(self._places)
        except TimeoutError:
            raise self._silent(_LAST_ANSWER_S) from None
        while any([await self._consumer.position(place) < end for place, end in ends.items()]):
            await self._take(ends)

    async def _take(self, ends: dict[TopicPartition, int] | None) -> None:
        fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
        for place, records in fetched.items():
            for found in records:
                if ends is not None and found.offset >= ends[place]:
                    break
                self._counts[place] += 1
                self._writer.add(_row(found))
        if time.monotonic() - self._flushed >= _FLUSH_S:
            self._writer.flush()
            self._flushed = time.monotonic()
        self._check_alive()

    def _check_alive(self) -> None:
        heard = min(self._consumer.last_poll_timestamp(place) or 0 for place in self._places) / 1000
        if time.time() - max(heard, self._began) > _SILENCE_S:
            raise self._silent(_SILENCE_S)

    def _silent(self, seconds: float) -> BrokerError:
        return BrokerError(
            f"Kafka at {self._brokers} has said nothing for {seconds:.0f} s: see whether it still runs "
            "(`lemof broker status`) and record again; the file holds what came before and is broken off there."
        )


def _row(found: ConsumerRecord) -> Row:
    return Row(
        found.topic,
        found.partition,
        found.offset,
        found.timestamp,
        found.timestamp_type,
        found.key,
        found.value,
        tuple(found.headers),
    )
