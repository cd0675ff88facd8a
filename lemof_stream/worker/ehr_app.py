"""The EHR app: folds `ehr.events.v1` into a Faust table whose changelog is `ehr.features.v1`.

One write is both the state of the app and its output. Events are taken at least once; the folds count each once.
"""

import base64
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from faust.types import EventT, FutureMessage, StreamT

from lemof_stream.broker.admin import require_topics
from lemof_stream.contracts.ehr import (
    EhrEvent,
    HourRecord,
    Observations,
    StayRecord,
    Watermark,
    read_ehr_event,
)
from lemof_stream.contracts.message import Message
from lemof_stream.contracts.operations import DeadLetter
from lemof_stream.contracts.topics import DEAD_LETTERS, EHR_EVENTS, EHR_FEATURES
from lemof_stream.errors import MessageError
from lemof_stream.settings import Settings
from lemof_stream.telemetry import configure_logs, get_logger
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
from lemof_stream.worker.faust_app import Acks, App, events_of, serve

GROUP: Final = "lemof-ehr"

_log = get_logger(__name__)
_M = TypeVar("_M", bound=Message)


class EhrApp:
    """The table, the dead letters and the agent between them."""

    def __init__(self, settings: Settings) -> None:
        self.app = App(GROUP, settings)
        self._features = self.app.raw_table("features", EHR_FEATURES)
        self._dead_letters = self.app.raw_topic(DEAD_LETTERS)
        self.app.agent(self.app.raw_topic(EHR_EVENTS), name="ehr", concurrency=1)(self._take_all)

    async def _take_all(self, stream: StreamT[Any]) -> None:
        acks = Acks(self.app)
        async for event in events_of(stream):
            await acks.after(event, self._take(event))

    def _take(self, event: EventT[Any]) -> list[FutureMessage]:
        """Fold one event; returns the writes that must reach the broker before it is acknowledged."""
        partition = event.message.partition
        try:
            key, record = self._fold(read_ehr_event(event.message.value), partition)
        except MessageError as error:
            return [self._refuse(event, error)]
        return [] if record is None else [self._features.write(partition, key, record.to_bytes())]

    def _fold(self, event: EhrEvent, partition: int) -> tuple[bytes, Message | None]:
        """The key that the event belongs to and its new record; None where nothing changes."""
        if isinstance(event, Watermark):
            key = watermark_key(partition)
            return key, fold_watermark(self._known(key, Watermark), event)
        if isinstance(event, Observations):
            refuse_implausible(event)
            key = hour_key(event.stay_id, hour_of(event.event_time, event.admitted_at))
            return key, fold_hour(self._known(key, HourRecord), event)
        key = stay_key(event.stay_id)
        return key, fold_stay(self._known(key, StayRecord), event)

    def _known(self, key: bytes, kind: type[_M]) -> _M | None:
        value = self._features.data.get(key)
        return None if value is None else kind.from_bytes(value)

    def _refuse(self, event: EventT[Any], error: MessageError) -> FutureMessage:
        message = event.message
        _log.warning(
            "dead letter",
            reason=error.reason,
            detail=str(error),
            partition=message.partition,
            offset=message.offset,
        )
        letter = DeadLetter(
            reason=error.reason,
            detail=str(error),
            consumer=GROUP,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            timestamp=datetime.fromtimestamp(message.timestamp, UTC),
            key=None if message.key is None else base64.b64encode(message.key),
            value=None if message.value is None else base64.b64encode(message.value),
        )
        return self._dead_letters.send_soon(
            key=message.key, value=letter.to_bytes(), partition=message.partition, eager_partitioning=True
        )


async def run_ehr(settings: Settings) -> None:
    """Run the EHR app until a signal asks it to stop.

    Raises:
        BrokerError: no Kafka answers, or a topic is missing.
    """
    await require_topics(settings.brokers, EHR_EVENTS, EHR_FEATURES, DEAD_LETTERS)
    configure_logs(settings)
    await serve(EhrApp(settings).app)
