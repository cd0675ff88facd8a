"""What the Faust apps have in common: configuration, the table, and how a process of one runs."""

import asyncio
import logging
from typing import Any, Final, cast

import faust
from faust.tables.manager import TableManager
from faust.types import TP, FutureMessage, TopicT

from lemof_stream.contracts.topics import LETTER_BYTES
from lemof_stream.settings import Settings
from lemof_stream.stopping import stop_event
from lemof_stream.telemetry import get_logger
from lemof_stream.telemetry.tracing import NO_HEADERS, Headers
from lemof_stream.worker.faust_consumer import Consumer, Transport

_LINGER_S: Final = 0.005
"""Without a moment's wait every request carries one or two messages, and the requests are most of the work."""

# The thread of the consumer answers at once, or a partition has no position before its next fetch.
_ANSWER_S: Final = 1.0

_log = get_logger("lemof_stream.apps")


class _TableManager(TableManager):
    async def on_start(self) -> None:
        """As Faust's, without its second of sleep for agents of other modules: ours exist before the app starts."""
        await self._update_channels()
        await self.recovery.start()


class App(faust.App):
    """A Faust app that only uses the topics of the catalogue and serves no web pages."""

    def __init__(self, name: str, settings: Settings) -> None:
        super().__init__(
            name,
            broker=[f"kafka://{broker}" for broker in settings.brokers.split(",")],
            store="memory://",
            key_serializer="raw",
            value_serializer="raw",
            autodiscover=False,
            web_enabled=False,
            TableManager=_TableManager,
            topic_allow_declare=False,  # `lemof topics create` makes the topics
            topic_disable_leader=True,
            table_standby_replicas=0,  # a compacted changelog is read again at 10,000 records a second
            broker_session_timeout=settings.session_timeout_ms / 1000,
            broker_heartbeat_interval=settings.session_timeout_ms / 3000,
            producer_linger=_LINGER_S,
            producer_max_request_size=LETTER_BYTES,  # the dead letter of the largest event has to go out
            broker_commit_interval=1.0,  # seconds of events that a restart takes in again; the folds are idempotent
            stream_wait_empty=True,  # give partitions up with nothing under way
        )

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """None are needed: tables live in memory."""

    @property
    def settled(self) -> bool:
        """Whether events are being taken: no rebalance is under way, and the tables hold this process's partitions."""
        consumer = cast("Consumer", self.consumer)
        return consumer.assigned and consumer.flow_active and not (self.rebalancing or self.in_recovery)

    @property
    def moves(self) -> int:
        """Grows with every message that is acknowledged, and with every record of a changelog that is read."""
        recovery = cast("_TableManager", self.tables).recovery
        return cast("Consumer", self.consumer).acknowledged + sum(recovery.active_offsets.values())

    async def lags(self) -> dict[TP, int | None]:
        """Records that wait to be processed, by partition; None where Kafka has not told yet."""
        consumer, found = cast("Consumer", self.consumer), dict[TP, int | None]()
        for place in consumer.assignment():
            if self.topics.acks_enabled_for(place.topic):
                try:
                    async with asyncio.timeout(_ANSWER_S):
                        found[place] = await consumer.lag(place)
                except TimeoutError:
                    found[place] = None
        return found

    def raw_topic(self, name: str, **options: Any) -> TopicT:
        """A topic of the catalogue, its keys and values as bytes."""
        return self.topic(
            name,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            allow_empty=True,
            **options,
        )

    def raw_table(self, name: str, changelog: str) -> "Table":
        """A table of bytes whose changelog is a topic of the catalogue."""
        # The queue of a changelog has to hold what is fetched at once: it is not acknowledged, so nothing slows it.
        topic = self.raw_topic(changelog, internal=True, acks=False, maxsize=131_072)
        table = Table(self, name=name, changelog_topic=topic, key_type=bytes, value_type=bytes)
        self.tables.add(table)
        return table


class Table(faust.Table[bytes, bytes]):
    """A table of bytes that says when a change is safe."""

    def write(self, partition: int, key: bytes, value: bytes, headers: Headers = NO_HEADERS) -> FutureMessage:
        """Set a key; the future is done when the broker has the change."""
        self.data[key] = value
        return self.changelog_topic.send_soon(
            key=key, value=value, partition=partition, headers=list(headers), eager_partitioning=True
        )

    def erase(self, partition: int, key: bytes) -> FutureMessage:
        """Forget a key, with a tombstone on the changelog; the future is done when the broker has it."""
        self.data.pop(key, None)
        return self.send_changelog(partition, key, None)


async def serve(app: faust.App) -> None:
    """Run the app until a signal asks it to stop; raises what it crashed with."""
    for name in ("faust", "mode", "aiokafka", __name__):  # services report every start and stop at INFO
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("mode.timers").setLevel(
        logging.ERROR
    )  # under load a commit outlasts its interval: no harm
    stop = stop_event()
    app.finalize()
    app.on_startup_finished = _say_ready
    tasks = [asyncio.create_task(what) for what in (stop.wait(), app.start(), app.wait_until_stopped())]
    await asyncio.wait((tasks[0], tasks[2]), return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await app.stop()
    if app.crash_reason is not None:
        raise app.crash_reason
    _log.info("stopped", app=app.conf.id)


async def _say_ready() -> None:
    _log.info("ready: tables restored, taking events")
