"""What the Faust apps tell of themselves: metrics, whether they get on, traces."""

import asyncio
import time
from contextlib import aclosing
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord

from lemof_stream.contracts.ehr import Admission, Demographics, Discharge, Watermark
from lemof_stream.contracts.topics import ALERTS, EHR_EVENTS, EHR_FEATURES, PREDICTIONS, partition_of
from tests.collector import collector, spans_of
from tests.messages import Outgoing, follow, send
from tests.predictions import ADMITTED, prediction
from tests.programs import Program, lemof
from tests.scrapes import Scrape, health, scrape
from tests.streams import events
from tests.topics import PARTITIONS
from tests.tracers import carried
from tests.waiting import wait_until_async

DEADLINE_S: Final = 60.0
STAY: Final = "Jane-Roe-Zowie"
FRAME: Final = {"stay_id": STAY, "ward": "A", "admitted_at": ADMITTED, "event_time": ADMITTED}
TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
SENT: Final = [("traceparent", f"00-{TRACE}-b7ad6b7169203331-01".encode())]


def address(app: Program) -> str:
    app.wait_for("metrics are served")
    [served] = [one for one in events(app.log.read_text()) if one["event"] == "metrics are served"]
    return str(served["address"]).removesuffix("/metrics")


async def scraped(app: Program, topic: str, kind: str) -> Scrape:
    """The metrics, once the app has taken something of this kind and nothing waits."""

    async def taken() -> Scrape | None:
        found = await scrape(address(app))
        lags = found.by("lemof_consumer_lag_records", "topic")
        there = kind in found.by("lemof_events_total", "kind") and topic in lags
        return found if there and not any(lags.values()) else None

    found = await wait_until_async(taken, DEADLINE_S, f"{kind} in the metrics")
    assert found is not None
    return found


async def first(brokers: str, topic: str, key: bytes) -> "ConsumerRecord[bytes, bytes]":
    async with asyncio.timeout(DEADLINE_S), aclosing(follow(brokers, topic)) as records:
        async for record in records:
            if record.key == key:
                return record
    raise AssertionError


async def traced(brokers: str, topic: str, key: bytes, value: bytes) -> None:
    place = partition_of(STAY, PARTITIONS)
    async with AIOKafkaProducer(bootstrap_servers=brokers) as producer:
        await producer.send_and_wait(topic, value, key, partition=place, headers=SENT)


async def test_apps_tell_what_they_took_and_refused_and_carry_traces_on_without_identifiers(
    topics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "a key of sixteen characters"
    admission = Admission(event_id="a", demographics=Demographics(age=70), **FRAME)
    alarming = prediction(STAY, p_death=0.9)
    with collector() as (endpoint, received):
        for name, value in (
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("LEMOF_METRICS_PORT", "0"), ("LEMOF_PSEUDONYM_KEY", key)
        ):  # fmt: skip
            monkeypatch.setenv(name, value)
        with (
            lemof(tmp_path / "ehr.log", "ehr", "--brokers", topics) as ehr,
            lemof(tmp_path / "ward.log", "ward", "--brokers", topics) as ward,
        ):
            await traced(topics, EHR_EVENTS, STAY.encode(), admission.to_bytes())
            await traced(topics, PREDICTIONS, alarming.key(), alarming.to_bytes())
            watermark = Watermark(event_time=ADMITTED).to_bytes()
            await send(
                topics, [Outgoing(EHR_EVENTS, STAY, b"no json"), Outgoing(EHR_EVENTS, STAY, watermark)]
            )
            feature = await first(topics, EHR_FEATURES, f"{STAY}|stay".encode())
            alert = await first(topics, ALERTS, STAY.encode())
            of_ehr = await scraped(ehr, EHR_EVENTS, "watermark")
            of_ward = await scraped(ward, PREDICTIONS, "provisional")
            assert await health(address(ehr)) == await health(address(ward)) == 200
            assert ehr.stop() == ward.stop() == 0

    assert of_ehr.by("lemof_events_total", "kind") == {"admission": 1, "watermark": 1}
    assert of_ehr.by("lemof_dead_letters_total", "reason") == {"unreadable": 1}
    assert of_ehr.by("lemof_watermark_age_seconds", "feed").keys() == {"ehr"}
    assert of_ehr.value("lemof_table_records") == 2
    assert of_ward.value("lemof_table_records") == 1
    assert of_ward.value("lemof_table_bytes") > 100
    assert STAY not in of_ehr.text + of_ward.text

    spans = {(service, span.name): span for service, span in spans_of(received)}
    for place, record in (
        (("lemof-ehr", f"process {EHR_EVENTS}"), feature),
        (("lemof-ward", f"process {PREDICTIONS}"), alert),
    ):
        span = spans[place]
        assert carried(record) == (span.trace_id.hex(), span.span_id.hex())
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, "b7ad6b7169203331")
        assert STAY not in str(span)
        assert any(one.key == "lemof.stay" for one in span.attributes)


STUCK: Final = """
import asyncio
from lemof_stream.worker import faust_observer
from lemof_stream.worker.faust_events import Acks
faust_observer._STANDSTILL_S = 3.0
Acks.after = lambda *_: asyncio.sleep(0)
"""


async def test_an_app_that_leaves_events_while_its_heartbeats_go_on_is_not_well(
    topics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEMOF_METRICS_PORT", "0")
    left = Discharge(event_id="d", **FRAME).to_bytes()
    with lemof(tmp_path / "ehr.log", "ehr", "--brokers", topics, before=STUCK) as app:

        async def becomes(status: int) -> bool:
            return await health(address(app)) == status

        async def later() -> bool:
            return time.monotonic() > since + 2 * 3.0

        app.wait_for("ready")
        since = time.monotonic()
        await wait_until_async(later, DEADLINE_S, "twice the patience")
        assert await becomes(200), "nothing waits"
        await send(topics, [Outgoing(EHR_EVENTS, STAY, left)])
        await wait_until_async(lambda: becomes(503), DEADLINE_S, "the probe's complaint")
        progress = (await scrape(address(app))).value("lemof_progress_age_seconds")
        assert progress > 3
