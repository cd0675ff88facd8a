"""What a standby holds while others have the partitions, and that it lets go of what it has taken over."""

from typing import Final

from lemof_stream.contracts.topics import SNAPSHOTS
from lemof_stream.model.predictor import Predictor
from lemof_stream.worker.process import RunnerProcess
from tests.messages import latest, send
from tests.scrapes import scrape
from tests.streams import Ward
from tests.waiting import wait_until_async
from tests.workers import assert_nothing_lost_or_twice, running, settings, settled

WARD: Final = Ward([f"bed-{number}" for number in range(16)], hours=6)
WINDOWS: Final = WARD.vitals()
SOON_S: Final = 30.0


async def standby_bytes(runner: RunnerProcess) -> float:
    return (await scrape(runner.observer.address)).value("lemof_standby_bytes")


async def test_a_standby_holds_a_snapshot_of_each_stay_of_others_until_it_has_their_partitions(
    topics: str, predictor: Predictor
) -> None:
    half = len(WINDOWS) // 2
    to = settings(topics, snapshot_every=8, metrics_port=0, standby=True)
    await send(topics, [*WARD.features(), *WINDOWS[:half]])
    async with running(to, predictor) as stays:
        async with running(to, predictor) as leaves:
            await settled(topics, half)

            async def all_held() -> bool:
                sizes = map(len, (await latest(topics, SNAPSHOTS)).values())
                held = [await standby_bytes(runner) for runner in (stays, leaves)]
                return min(held) > 0 and sum(held) > sum(sizes)

            await wait_until_async(all_held, SOON_S, "a snapshot of every stay at the one that has it not")

        async def let_go() -> bool:
            return await standby_bytes(stays) == 0

        await wait_until_async(let_go, SOON_S, "all partitions here")
        await send(topics, WINDOWS[half:])
        await assert_nothing_lost_or_twice(topics, WARD, SOON_S)
