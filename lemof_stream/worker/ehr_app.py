"""The EHR app: folds `ehr.events.v1` into a Faust table whose changelog is `ehr.features.v1`.

One write is both the state of the app and its output. Events are taken at least once; the folds count each once.
"""

from datetime import timedelta
from typing import Any, Final, TypeVar

from faust.types import EventT, FutureMessage, StreamT
from opentelemetry.trace import Tracer

from lemof_stream.broker.admin import require_equal_topics
from lemof_stream.contracts.ehr import (
    EhrEvent,
    HourRecord,
    Observations,
    StayEvent,
    StayRecord,
    Watermark,
    read_ehr_event,
)
from lemof_stream.contracts.message import Message
from lemof_stream.contracts.topics import (
    DEAD_LETTERS,
    EHR_EVENTS,
    EHR_FEATURES,
    PREDICTIONS,
    SHADOW_PREDICTIONS,
    VITALS,
)
from lemof_stream.errors import MessageError
from lemof_stream.settings import Settings
from lemof_stream.telemetry import configure_logs
from lemof_stream.telemetry.tracing import tracer_from_environment
from lemof_stream.worker.ehr_fold import (
    fold_hour,
    fold_stay,
    fold_watermark,
    hour_key,
    hour_of,
    refuse_implausible,
    stay_key,
    watermark_key,
)
from lemof_stream.worker.faust_app import App, serve
from lemof_stream.worker.faust_events import Acks, DeadLetters, events_of
from lemof_stream.worker.faust_observer import AppObserver
from lemof_stream.worker.retention import Retention

GROUP: Final = "lemof-ehr"

_LATE: Final = MessageError(
    "late",
    "The event is older than what is kept of stays, and nothing is known of its own; nothing was changed.",
)

_M = TypeVar("_M", bound=Message)


class EhrApp:
    """The table, the dead letters, the agent between them, and the end of what is kept."""

    def __init__(self, settings: Settings, partitions: int, tracer: Tracer | None = None) -> None:
        self.app = App(GROUP, settings)
        self.observer = AppObserver(self.app, settings, tracer)
        self._partitions = partitions
        self._kept = timedelta(days=settings.retention_days)
        self._features = self.app.raw_table("features", EHR_FEATURES)
        self.observer.table, self.observer.reached = self._features, self._reached
        self._dead_letters = DeadLetters(self.app, self.observer)
        self.app.agent(self.app.raw_topic(EHR_EVENTS), name="ehr", concurrency=1)(self._take_all)
        self.app.task(Retention(self.app, self._features, settings, partitions).run)

    async def _take_all(self, stream: StreamT[Any]) -> None:
        acks = Acks(self.app)
        async for event in events_of(stream):
            await acks.after(event, self._take(event))

    def _take(self, event: EventT[Any]) -> list[FutureMessage]:
        """Fold one event; returns the writes that must reach the broker before it is acknowledged."""
        partition = event.message.partition
        with self.observer.taking(event) as taken:
            try:
                told = read_ehr_event(event.message.value)
                key, record = self._fold(told, partition)
            except MessageError as error:
                return [self._dead_letters.send(event, error)]
            except Exception:  # noqa: BLE001 - whatever it is, the next event is not to wait for it
                return [self._dead_letters.failed(event)]
            taken.kind, taken.stay_id = told.kind, None if isinstance(told, Watermark) else told.stay_id
            if record is None:
                return []
            return [self._features.write(partition, key, record.to_bytes(), taken.headers)]

    def _fold(self, event: EhrEvent, partition: int) -> tuple[bytes, Message | None]:
        """The key that the event belongs to and its new record; None where nothing changes."""
        if isinstance(event, Watermark):
            key = watermark_key(partition)
            return key, fold_watermark(self._known(key, Watermark), event)
        self._refuse_late(event, partition)
        if isinstance(event, Observations):
            refuse_implausible(event)
            key = hour_key(event.stay_id, hour_of(event.event_time, event.admitted_at))
            return key, fold_hour(self._known(key, HourRecord), event)
        key = stay_key(event.stay_id)
        return key, fold_stay(self._known(key, StayRecord), event)

    def _refuse_late(self, event: StayEvent, partition: int) -> None:
        """A stay that was forgotten would begin anew, and never end."""
        if stay_key(event.stay_id) in self._features.data:
            return
        reached = self._known(watermark_key(partition), Watermark)
        if reached is not None and event.event_time + self._kept <= reached.event_time:
            raise _LATE

    def _reached(self) -> dict[int, float]:
        """The event time that the feed has come to in the partitions that are known."""
        known = {part: self._known(watermark_key(part), Watermark) for part in range(self._partitions)}
        return {part: mark.event_time.timestamp() for part, mark in known.items() if mark is not None}

    def _known(self, key: bytes, kind: type[_M]) -> _M | None:
        value = self._features.data.get(key)
        return None if value is None else kind.from_bytes(value)


async def run_ehr(settings: Settings) -> None:
    """Run the EHR app until a signal asks it to stop.

    Raises:
        BrokerError: no Kafka answers, or its topics are not what the app needs.
        ConfigError: the port of metrics is taken.
    """
    partitions = await require_equal_topics(
        settings.brokers, EHR_EVENTS, EHR_FEATURES, PREDICTIONS, SHADOW_PREDICTIONS, VITALS, DEAD_LETTERS
    )
    configure_logs(settings)
    ehr = EhrApp(settings, partitions, tracer_from_environment(GROUP, head=False))
    async with ehr.observer.serving():
        await serve(ehr.app)
