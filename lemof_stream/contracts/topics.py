"""The topic catalogue: every topic, how it is kept, and which partition a stay lives in."""

from functools import lru_cache
from typing import Final, Literal, NamedTuple

from aiokafka.partitioner import murmur2

_DAY_MS: Final = 24 * 3600 * 1000
# Kafka's own limit.
MESSAGE_BYTES: Final = 1024 * 1024 + 12
# A dead letter holds the whole of a message that was within it: base64 makes four bytes of three, and nothing makes
# random bytes smaller; the rest is room for names and the sentence.
LETTER_BYTES: Final = 2 * MESSAGE_BYTES
# A snapshot holds eight random bytes for every window of the 48 hours kept. A bed that sends one a second comes to
# 1.6 MB, one that sends two to 3 MB.
_SNAPSHOT_BYTES: Final = 4 * MESSAGE_BYTES

VITALS: Final = "vitals.windows.v1"
EHR_EVENTS: Final = "ehr.events.v1"
EHR_FEATURES: Final = "ehr.features.v1"
PREDICTIONS: Final = "predictions.v1"
SHADOW_PREDICTIONS: Final = "predictions.shadow.v1"
DEAD_LETTERS: Final = "dead.letters.v1"
SNAPSHOTS: Final = "runner.snapshots.v1"
LEDGER: Final = "ledger.v1"
MODELS: Final = "models.v1"
ALERTS: Final = "alerts.v1"
CENSUS: Final = "census.v1"
WARD_STATE: Final = "ward.state.v1"


class Topic(NamedTuple):
    """A topic as `lemof topics create` makes it. Compacted topics are kept for good, by key."""

    name: str
    cleanup: Literal["compact", "delete"]
    retention_ms: int
    """-1: no limit in time."""
    holds: str
    max_message_bytes: int = MESSAGE_BYTES

    def config(self) -> dict[str, str]:
        """The topic's settings, in Kafka's names."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
        }


# A week of input lets a recording of the worst incident be replayed after a long weekend; the ledger and the dead
# letters stay a month, as long as a post-mortem is usually asked for.
TOPICS: Final = (
    Topic(VITALS, "delete", 7 * _DAY_MS, "vital-sign windows, keyed by stay"),
    Topic(
        EHR_EVENTS, "delete", 7 * _DAY_MS, "admissions, observations, transfers, discharges, keyed by stay"
    ),
    Topic(EHR_FEATURES, "compact", -1, "EHR feature records: the EHR app's table"),
    Topic(PREDICTIONS, "compact", -1, "predictions, keyed by stay, model and step"),
    Topic(SHADOW_PREDICTIONS, "compact", -1, "predictions of shadow models, with the same keys"),
    Topic(DEAD_LETTERS, "delete", 30 * _DAY_MS, "what could not be used, with its bytes", LETTER_BYTES),
    Topic(SNAPSHOTS, "compact", -1, "patient state, for recovery, keyed by group and stay", _SNAPSHOT_BYTES),
    Topic(LEDGER, "delete", 30 * _DAY_MS, "what each transaction did with which offsets"),
    Topic(MODELS, "compact", -1, "which checkpoint a group runs, keyed by group"),
    Topic(ALERTS, "delete", 30 * _DAY_MS, "alerts raised and cleared, keyed by stay"),
    Topic(CENSUS, "compact", -1, "the census of each ward, keyed by ward"),
    Topic(WARD_STATE, "compact", -1, "the newest prediction and alert of each stay: the ward app's table"),
)


@lru_cache(maxsize=1 << 16)  # a hospital group's stays; the hash is pure Python, some 10 us a key
def partition_of(stay_id: str, partitions: int) -> int:
    """The partition of a stay on every topic: what Kafka's Java client picks for the key `stay_id`."""
    hashed: int = murmur2(stay_id.encode())
    return (hashed & 0x7FFFFFFF) % partitions
