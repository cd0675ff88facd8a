"""Makes simulated beds known to the engine."""

from lemof_stream.contracts.topics import EHR_FEATURES, VITALS
from lemof_stream.worker.bench.beds import Beds
from lemof_stream.worker.bench.child import ENGINE_GROUP, Child
from lemof_stream.worker.bench.kafka import feed
from lemof_stream.worker.bench.pace import until_committed


async def admit(brokers: str, ward: Beds, child: Child, known: int = 0) -> None:
    """Send the record and a window of each bed from `known` on, and wait until the engine has all of them.

    Raises:
        LemofError: the engine ended, or went no further for a long time.
    """
    await feed(brokers, EHR_FEATURES, ward.admissions(known))
    await feed(brokers, VITALS, (sent.record for sent in ward.windows(ward.count - known, known)))
    await until_committed(brokers, ENGINE_GROUP, ward.count, child)
