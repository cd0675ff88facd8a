"""How fast a consumer group commits: the one measure that is the same for the engine and its rivals."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from aiokafka import TopicPartition

from lemof_stream.broker.admin import admin_client
from lemof_stream.broker.stopping import stop_client
from lemof_stream.contracts.topics import EHR_FEATURES, VITALS
from lemof_stream.errors import LemofError
from lemof_stream.worker.bench.child import Child
from lemof_stream.worker.bench.kafka import PARTITIONS, committed
from lemof_stream.worker.clients import reader

_LOOK_S: Final = 0.1  # a hundredth of the shortest interval that says anything
_SILENCE_S: Final = 60.0
"""Who commits nothing for so long is taken to hang: imports, a rebalance and the first commit take 10 to 20 s."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Windows committed in an interval that begins and ends with a commit."""

    windows: int
    seconds: float
    published: int = 0
    """New records of the output meanwhile, and a marker a transaction; 0 where none was named."""

    @property
    def per_s(self) -> float:
        """Windows a second."""
        return self.windows / self.seconds


async def until_committed(brokers: str, group: str, windows: int, child: Child) -> None:
    """Wait until the group has so many windows behind it.

    Raises:
        LemofError: the child ended, or went no further for a long time.
    """
    async with admin_client(brokers) as admin:
        seen, since = -1, time.monotonic()
        while (found := sum((await committed(admin, group)).values())) < windows:
            # Of many new beds the features alone, which come first, take a minute.
            now = found + sum((await committed(admin, group, EHR_FEATURES)).values())
            if now > seen:
                seen, since = now, time.monotonic()
            await _look_again(child, since)


async def pace(
    brokers: str, group: str, after: int, seconds: float, child: Child, output: str | None = None
) -> Pace:
    """The steady pace of a group: of its commits once `after` windows are behind it, their share in each partition, for
    so many seconds or until a partition holds no further ones. `output`: a topic whose new records are counted.

    Raises:
        LemofError: the child ended, or committed nothing for a long time.
    """
    async with admin_client(brokers) as admin:
        ends = await _ends(brokers, VITALS)
        share = after / sum(ends.values())
        published = 0  # before the first commit
        commits: list[tuple[float, int]] = []
        seen, since = 0, time.monotonic()
        while True:
            found = await committed(admin, group)
            now, total = time.monotonic(), sum(found.values())
            if total > seen:
                seen, since = total, now
                if all(found[partition] >= share * end for partition, end in ends.items()):
                    commits.append((now, total))
                if output is not None and len(commits) == 1:
                    published = sum((await _ends(brokers, output)).values())
            over = any(found[partition] >= end for partition, end in ends.items())
            if len(commits) > 1 and (over or commits[-1][0] - commits[0][0] >= seconds):
                break
            await _look_again(child, since)
    (began, first), (ended, last) = commits[0], commits[-1]
    if output is not None:
        published = sum((await _ends(brokers, output)).values()) - published
    return Pace(last - first, ended - began, published)


async def _look_again(child: Child, since: float) -> None:
    child.check()
    if time.monotonic() - since > _SILENCE_S:
        raise LemofError(
            f"The benchmark waited {_SILENCE_S:.0f} s for a commit in vain: free the machine of other work and run it "
            f"again. The last that was said: {child.last_words()}"
        )
    await asyncio.sleep(_LOOK_S)


async def _ends(brokers: str, topic: str) -> dict[int, int]:
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    consumer = reader(brokers)
    await consumer.start()
    try:
        return {place.partition: end for place, end in (await consumer.end_offsets(places)).items()}
    finally:
        await stop_client(consumer)
