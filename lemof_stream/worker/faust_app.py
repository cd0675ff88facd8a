"""What the Faust apps have in common: configuration, the consumer, the table, and how a process of one runs."""

import asyncio
import logging
import signal
from typing import Any, Final

import faust
from faust.tables.manager import TableManager
from faust.transport.drivers import aiokafka as driver
from faust.types import FutureMessage, TopicT

from lemof_stream.broker.admin import require_topics
from lemof_stream.contracts.topics import LETTER_BYTES
from lemof_stream.errors import BrokerError
from lemof_stream.settings import Settings
from lemof_stream.telemetry import get_logger

_FETCH_WAIT_MS: Final = 100
"""Faust has 1,500: a partition whose reading begins waits for the answer to the fetch that runs without it."""

_LINGER_S: Final = 0.005
"""Without a moment's wait every request carries one or two messages, and the requests are most of the work."""

_log = get_logger("lemof_stream.apps")


class _ConsumerThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        """The runner writes in transactions; Faust's own setting for reading what is committed is tied to its
        exactly-once mode, so it is set here, before the consumer starts.
        """
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS  # noqa: SLF001
        return consumer


class _Consumer(driver.Consumer):
    def _new_consumer_thread(self) -> _ConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def ack(self, message: Any) -> bool:
        """Faust's streams acknowledge what they drop untaken: messages of a former assignment, and those that wait
        while one ends. They come again, from the committed offset.
        """
        if not message.tracked or message.generation_id != self.app.consumer_generation_id:
            self._unacked_messages.discard(message)
            return False
        acked: bool = super().ack(message)
        return acked

    async def perform_seek(self) -> None:
        """Faust lets partitions flow, seeks, and then opens its streams, which drop what came in between for good; and
        it does not seek where nothing was committed yet.
        """
        self.app.flow_control.resume()
        await super().perform_seek()
        taken = [tp for tp in self.assignment() if self.app.topics.acks_enabled_for(tp.topic)]
        fresh = [tp for tp in taken if self._committed_offset.get(tp) is None]
        if fresh:
            for tp, offset in (await self.earliest_offsets(*fresh)).items():
                await self.seek(tp, offset)


class _Transport(driver.Transport):
    Consumer = _Consumer


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

    def _new_transport(self) -> _Transport:
        return _Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """None are needed: tables live in memory."""

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

    def write(self, partition: int, key: bytes, value: bytes) -> FutureMessage:
        """Set a key; the future is done when the broker has the change."""
        self.data[key] = value
        return self.send_changelog(partition, key, value)


async def require_equal_topics(settings: Settings, *names: str) -> int:
    """The number of partitions that all these topics have: a stay lies in the same one of each.

    Raises:
        BrokerError: no Kafka answers, a topic is missing, or their partitions differ.
    """
    counts = await require_topics(settings.brokers, *names)
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise BrokerError(
            f"The topics at {settings.brokers} differ in their partitions ({listed}): delete those that are wrong and "
            "create them with `lemof topics create`."
        )
    return counts[names[0]]


async def serve(app: App) -> None:
    """Run the app until a signal asks it to stop; raises what it crashed with."""
    for name in ("faust", "mode", "aiokafka", __name__):  # services report every start and stop at INFO
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("mode.timers").setLevel(
        logging.ERROR
    )  # under load a commit outlasts its interval: no harm
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
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
