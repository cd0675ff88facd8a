"""Events of a Faust agent: acknowledged when what was written for them is safe, or turned into dead letters.

Faust acknowledges an event when its agent moves on, whether or not what the agent wrote has reached the broker. Here
an event is acknowledged once everything that was written for it is.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Iterable
from typing import Any, Final, cast

from aiokafka import ConsumerRecord
from faust.streams import Stream
from faust.types import EventT, FutureMessage, StreamT

from lemof_stream.contracts.topics import DEAD_LETTERS
from lemof_stream.errors import MessageError
from lemof_stream.telemetry import get_logger
from lemof_stream.worker.faust_app import App
from lemof_stream.worker.faust_observer import AppObserver
from lemof_stream.worker.letters import dead_letter, letter_key

_PENDING_MAX: Final = 2_000
"""Most events whose writes are under way. Bounds memory when the broker is slow; far above what fills a batch."""

_FAILED: Final = MessageError(
    "failed",
    "The app broke on this message, which is a fault of the app: report it, and redrive the message.",
)

_log = get_logger(__name__)


def events_of(stream: StreamT[Any]) -> AsyncIterable[EventT[Any]]:
    """The events of an agent's stream, for `Acks` to acknowledge."""
    events: AsyncIterable[EventT[Any]] = (
        cast("Stream[Any]", stream).noack().events()
    )  # `StreamT` lacks `noack`
    return events


class Acks:
    """Acknowledges events, in their order, once the broker has all that was written for them.

    In order, because Faust takes the first acknowledged offset of a partition that was never committed for the
    first of the partition.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._pending: deque[tuple[EventT[Any], asyncio.Future[Any]]] = deque()
        self._crash: asyncio.Task[None] | None = None

    async def after(self, event: EventT[Any], writes: Iterable[FutureMessage]) -> None:
        """Acknowledge `event` when `writes` are done; waits while too many are under way."""
        done = asyncio.gather(*writes)
        self._pending.append((event, done))
        done.add_done_callback(self._settle)
        if len(self._pending) > _PENDING_MAX:
            await asyncio.wait([self._pending[0][1]])

    def _settle(self, _: object) -> None:
        while self._pending and self._pending[0][1].done():
            event, done = self._pending.popleft()
            if done.cancelled() or (error := done.exception()) is None:
                event.ack()
            else:
                # What is not written is not acknowledged: the next process takes the event again.
                self._pending.clear()
                self._crash = asyncio.ensure_future(self._app.crash(error))


class DeadLetters:
    """Writes events that cannot be used to the dead letters."""

    def __init__(self, app: App, observer: AppObserver) -> None:
        self._consumer = app.conf.id
        self._observer = observer
        self._topic = app.raw_topic(DEAD_LETTERS)

    def failed(self, event: EventT[Any]) -> FutureMessage:
        """Write one that the app broke on, for its `except` clause to call: one message never stops an app."""
        _log.exception("the app broke on a message", **_where(event))
        return self.send(event, _FAILED)

    def send(self, event: EventT[Any], error: MessageError) -> FutureMessage:
        """Write one; the future is done when the broker has it."""
        message = event.message
        where = _where(event)
        self._observer.refused(error.reason)
        _log.warning("dead letter", reason=error.reason, detail=str(error), **where)
        record = ConsumerRecord(
            **where,
            timestamp=int(message.timestamp * 1000),
            timestamp_type=0,
            key=message.key,
            value=message.value,
            checksum=None,
            serialized_key_size=-1,
            serialized_value_size=-1,
            headers=(),
        )
        letter = dead_letter(record, self._consumer, error.reason, str(error))
        return self._topic.send_soon(
            key=letter_key(letter),
            value=letter.to_bytes(),
            partition=message.partition,
            eager_partitioning=True,
        )


def _where(event: EventT[Any]) -> dict[str, Any]:
    message = event.message
    return {"topic": message.topic, "partition": message.partition, "offset": message.offset}
