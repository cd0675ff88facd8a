"""The ward app: alerts with hysteresis, and the state that the census is taken from.

An alert is written, and acknowledged by the broker, before the state that remembers it: a kill in between repeats the
alert, with the same id, and never loses it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from faust.types import EventT, FutureMessage, StreamT
from opentelemetry.trace import Tracer

from lemof_stream.broker.admin import require_equal_topics
from lemof_stream.contracts.ehr import StayRecord, read_ehr_record
from lemof_stream.contracts.message import stay_of
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import (
    ALERTS,
    CENSUS,
    DEAD_LETTERS,
    EHR_FEATURES,
    PREDICTIONS,
    WARD_STATE,
)
from lemof_stream.contracts.ward import Alert, Departure, Outlook
from lemof_stream.errors import MessageError
from lemof_stream.settings import Settings
from lemof_stream.telemetry import configure_logs
from lemof_stream.telemetry.tracing import Headers, tracer_from_environment
from lemof_stream.worker.census import CensusTaker
from lemof_stream.worker.faust_app import App, serve
from lemof_stream.worker.faust_events import Acks, DeadLetters, events_of
from lemof_stream.worker.faust_observer import AppObserver, Taken
from lemof_stream.worker.ward_fold import departure_key, fold_departure, fold_prediction, outlook_key

GROUP: Final = "lemof-ward"
_TOMBSTONE: Final = "tombstone"


class WardApp:
    """The state table, and an agent for each topic that changes it."""

    def __init__(self, settings: Settings, partitions: int, tracer: Tracer | None = None) -> None:
        self.app = App(GROUP, settings)
        self.observer = AppObserver(self.app, settings, tracer)
        self._state = self.app.raw_table("state", WARD_STATE)
        self.observer.table = self._state
        self._alerts = self.app.raw_topic(ALERTS)
        self._dead_letters = DeadLetters(self.app, self.observer)
        self._one_at_a_time = (
            asyncio.Lock()
        )  # both agents change the same keys, and wait for alerts in between
        self.app.agent(self.app.raw_topic(PREDICTIONS), name="predictions", concurrency=1)(self._predictions)
        self.app.agent(self.app.raw_topic(EHR_FEATURES), name="stays", concurrency=1)(self._stays)
        self.app.task(CensusTaker(self.app, settings, partitions).run)

    async def _predictions(self, stream: StreamT[Any]) -> None:
        acks = Acks(self.app)
        async for event in events_of(stream):
            async with self._one_at_a_time:
                with self.observer.taking(event) as taken:
                    writes = await self._take_prediction(event, taken)
            await acks.after(event, writes)

    async def _stays(self, stream: StreamT[Any]) -> None:
        acks = Acks(self.app)
        async for event in events_of(stream):
            async with self._one_at_a_time:
                with self.observer.taking(event) as taken:
                    writes = await self._take_stay(event, taken)
            await acks.after(event, writes)

    async def _take_prediction(self, event: EventT[Any], taken: Taken) -> list[FutureMessage]:
        if event.message.value is None:  # the tombstone of a stay that left long ago
            taken.kind = _TOMBSTONE
            return self._forget(event, outlook_key)
        try:
            prediction = Prediction.from_bytes(event.message.value)
        except MessageError as error:
            return [self._dead_letters.send(event, error)]
        key = outlook_key(prediction.stay_id)
        try:
            outlook, alert = fold_prediction(
                self._outlook(key), self._departure(departure_key(prediction.stay_id)), prediction
            )
        except Exception:  # noqa: BLE001 - whatever it is, the next event is not to wait for it
            return [self._dead_letters.failed(event)]
        taken.kind, taken.stay_id = prediction.kind, prediction.stay_id
        return await self._change(event.message.partition, key, outlook, alert, taken.headers)

    async def _take_stay(self, event: EventT[Any], taken: Taken) -> list[FutureMessage]:
        if not (event.message.key or b"").endswith(b"|stay"):
            return []
        if event.message.value is None:
            taken.kind = _TOMBSTONE
            return self._forget(event, departure_key)
        try:
            record = read_ehr_record(event.message.value)
        except MessageError as error:
            return [self._dead_letters.send(event, error)]
        taken.kind = record.kind
        if not isinstance(record, StayRecord) or record.discharged_at is None:
            return []
        taken.stay_id = record.stay_id
        partition, key = event.message.partition, departure_key(record.stay_id)
        departure = Departure(stay_id=record.stay_id, discharged_at=record.discharged_at)
        try:
            changes = [
                (known_key, *fold_departure(Outlook.from_bytes(value), departure))
                for known_key, value in self._state.data.items()
                if known_key.startswith(f"{record.stay_id}|".encode()) and known_key != key
            ]
        except Exception:  # noqa: BLE001 - whatever it is, the next event is not to wait for it
            return [self._dead_letters.failed(event)]
        writes = []
        for known_key, outlook, alert in changes:
            writes += await self._change(partition, known_key, outlook, alert, taken.headers)
        return [*writes, self._state.write(partition, key, departure.to_bytes())]

    async def _change(
        self, partition: int, key: bytes, outlook: Outlook | None, alert: Alert | None, headers: Headers
    ) -> list[FutureMessage]:
        if alert is not None:
            await self._alerts.send_soon(
                key=alert.stay_id.encode(),
                value=alert.to_bytes(),
                partition=partition,
                headers=list(headers),
                eager_partitioning=True,
            )
        return [] if outlook is None else [self._state.write(partition, key, outlook.to_bytes())]

    def _forget(self, event: EventT[Any], key_of: Callable[[str], bytes]) -> list[FutureMessage]:
        """Erase what followed from the records that a tombstone ends, each topic its own: they come in any order."""
        key = key_of(stay_of(event.message.key or b""))
        known = key in self._state.data
        return [self._state.erase(event.message.partition, key)] if known else []

    def _outlook(self, key: bytes) -> Outlook | None:
        value = self._state.data.get(key)
        return None if value is None else Outlook.from_bytes(value)

    def _departure(self, key: bytes) -> Departure | None:
        value = self._state.data.get(key)
        return None if value is None else Departure.from_bytes(value)


async def run_ward(settings: Settings) -> None:
    """Run the ward app until a signal asks it to stop.

    Raises:
        BrokerError: no Kafka answers, or its topics are not what the app needs.
        ConfigError: the port of metrics is taken.
    """
    partitions = await require_equal_topics(
        settings.brokers, PREDICTIONS, EHR_FEATURES, WARD_STATE, ALERTS, CENSUS, DEAD_LETTERS
    )
    configure_logs(settings)
    ward = WardApp(settings, partitions, tracer_from_environment(GROUP, head=False))
    async with ward.observer.serving():
        await serve(ward.app)
