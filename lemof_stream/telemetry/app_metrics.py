"""Prometheus metrics of the Faust apps. What a runner has too goes by the same name; no label names a stay."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge


@dataclass(slots=True)
class AppFacts:
    """Where an app stands at the moment of a scrape."""

    lag: Mapping[tuple[str, int], int]
    """Records by topic and partition."""
    table_records: int
    table_bytes: int
    progress_age_s: float
    reached: Mapping[int, float]
    """Event time that the EHR feed has reached by partition, seconds since 1970; of the EHR app only."""


class AppMetrics:
    """Counters, which move with every event, and gauges, which are read when somebody scrapes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "Messages that the app took, by what they are."
        self._events = Counter("lemof_events", text, ["topic", "kind"], registry=registry)
        text = "Messages written to the dead letters."
        self._letters = Counter("lemof_dead_letters", text, ["reason"], registry=registry)
        text = "Records that can be read and were not processed yet."
        self._lag = Gauge("lemof_consumer_lag_records", text, ["topic", "partition"], registry=registry)
        text = "Now minus the event time that a feed has reached."
        self._age = Gauge("lemof_watermark_age_seconds", text, ["feed", "partition"], registry=registry)
        text = "Records of the app's table in memory."
        self._records = Gauge("lemof_table_records", text, registry=registry)
        text = "Their keys and values; Python takes as much again."
        self._bytes = Gauge("lemof_table_bytes", text, registry=registry)
        text = "Seconds since the app processed something, or had nothing to process."
        self._progress = Gauge("lemof_progress_age_seconds", text, registry=registry)

    def took(self, topic: str, kind: str) -> None:
        """The app took a message."""
        self._events.labels(topic, kind).inc()

    def refused(self, reason: str) -> None:
        """The app wrote a message to the dead letters."""
        self._letters.labels(reason).inc()

    def look(self, facts: AppFacts, now: float) -> None:
        """Set the gauges; those of partitions that are not ours any more vanish."""
        self._lag.clear()
        self._age.clear()
        for (topic, partition), records in facts.lag.items():
            self._lag.labels(topic, str(partition)).set(records)
        for partition, reached in facts.reached.items():
            self._age.labels("ehr", str(partition)).set(now - reached)
        self._records.set(facts.table_records)
        self._bytes.set(facts.table_bytes)
        self._progress.set(facts.progress_age_s)
