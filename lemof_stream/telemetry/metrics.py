"""The runner's Prometheus metrics. No label names a stay: labels are outcomes, reasons, topics and partitions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from lemof_stream.contracts.predictions import ModelInfo

# From one window at a quiet bedside to the largest cycle of a replay (`cycle_max`, 100,000 by default).
_CYCLE_INPUTS: Final = (
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
)
# A transaction takes some 25 ms, 110 ms at p99; beyond ten seconds it is about to be given up.
_STAGE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Known before the first of them happens, so that the first increase is a rate and not the birth of a series.
_OUTCOMES: Final = ("predicted", "duplicate", "late", "rejected")
_KINDS: Final = ("provisional", "final", "stale", "withheld")
_RESULTS: Final = ("committed", "failed")
_RELOADS: Final = ("taken", "refused")


@dataclass(slots=True)
class CycleFacts:
    """What a cycle committed."""

    outcomes: Mapping[str, int]
    kinds: Mapping[str, int]
    reasons: Mapping[str, int]
    inputs: int
    transactions: Mapping[str, int]
    stages: Mapping[str, float]
    """Seconds by stage."""


@dataclass(slots=True)
class PartitionFacts:
    """Where an open partition stands at the moment of a scrape. Event times are seconds since 1970."""

    partition: int
    stays: int
    lag: Mapping[str, int]
    """Records by topic."""
    reached: Mapping[str, float]
    """Event time by feed; a feed that was not heard of is absent."""


class FlowMetrics:
    """Counters and histograms, which move once a cycle."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._windows = Counter(
            "lemof_windows", "Vital windows by what became of them.", ["outcome"], registry=registry
        )
        self._predictions = Counter(
            "lemof_predictions", "Predictions published.", ["kind"], registry=registry
        )
        self._letters = Counter(
            "lemof_dead_letters", "Messages written to the dead letters.", ["reason"], registry=registry
        )
        self._transactions = Counter(
            "lemof_transactions", "Transactions, one a partition and cycle.", ["result"], registry=registry
        )
        text = "Windows and EHR records of a cycle."
        self._inputs = Histogram("lemof_cycle_inputs", text, buckets=_CYCLE_INPUTS, registry=registry)
        text = "Seconds of a cycle by stage; that of fetching includes the wait for something to come."
        self._stages = Histogram(
            "lemof_stage_seconds", text, ["stage"], buckets=_STAGE_SECONDS, registry=registry
        )
        for counter, labels in (
            (self._windows, _OUTCOMES),
            (self._predictions, _KINDS),
            (self._transactions, _RESULTS),
        ):
            for label in labels:
                counter.labels(label)

    def cycle(self, facts: CycleFacts) -> None:
        """Count a cycle."""
        for counter, counts in (
            (self._windows, facts.outcomes),
            (self._predictions, facts.kinds),
            (self._letters, facts.reasons),
            (self._transactions, facts.transactions),
        ):
            for label, count in counts.items():
                counter.labels(label).inc(count)
        self._inputs.observe(facts.inputs)
        for stage, seconds in facts.stages.items():
            self._stages.labels(stage).observe(seconds)


class ModelMetrics:
    """Which model is in charge, and how often another took over or could not."""

    def __init__(self, registry: CollectorRegistry) -> None:
        text = "1 for the model in charge."
        self._info = Gauge("lemof_model_info", text, ["name", "version", "sha256"], registry=registry)
        self._reloads = Counter(
            "lemof_model_reloads", "Models that were chosen for the group.", ["result"], registry=registry
        )
        for label in _RELOADS:
            self._reloads.labels(label)

    def in_charge(self, model: ModelInfo) -> None:
        """This one, and no other."""
        self._info.clear()
        self._info.labels(model.name, model.version, model.sha256).set(1)

    def taken(self, model: ModelInfo) -> None:
        """It took over."""
        self._reloads.labels("taken").inc()
        self.in_charge(model)

    def refused(self) -> None:
        """One could not be loaded, or is not what was chosen."""
        self._reloads.labels("refused").inc()


class StandingMetrics:
    """Gauges, which are read when somebody scrapes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Gauge(
            "lemof_consumer_lag_records",
            "Records that can be read and were not taken yet.",
            ["topic", "partition"],
            registry=registry,
        )
        self._age = Gauge(
            "lemof_watermark_age_seconds",
            "Now minus the event time that a feed has reached: the EHR watermark, the end of the last window. "
            "Far from zero in a replay, where the difference of the two feeds tells.",
            ["feed", "partition"],
            registry=registry,
        )
        text = "Stays whose state is in memory."
        self._stays = Gauge("lemof_stays", text, ["partition"], registry=registry)
        self._bytes = Gauge("lemof_state_bytes", "Memory that holds the state of stays.", registry=registry)
        text = "Memory that holds what other workers' partitions would be restored from."
        self._standby = Gauge("lemof_standby_bytes", text, registry=registry)

    def look(
        self, partitions: Iterable[PartitionFacts], state_bytes: int, standby_bytes: int, now: float
    ) -> None:
        """Set the gauges; those of partitions that are not ours any more vanish."""
        for gauge in (self._lag, self._age, self._stays):
            gauge.clear()
        for facts in partitions:
            name = str(facts.partition)
            self._stays.labels(name).set(facts.stays)
            for topic, records in facts.lag.items():
                self._lag.labels(topic, name).set(records)
            for feed, reached in facts.reached.items():
                self._age.labels(feed, name).set(now - reached)
        self._bytes.set(state_bytes)
        self._standby.set(standby_bytes)
