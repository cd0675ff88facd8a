"""Event time on a real Kafka: silent beds, stays that end, and what a new owner knows of both."""

from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import SNAPSHOTS
from lemof_stream.model.predictor import Predictor
from tests.messages import latest, send
from tests.streams import admission, discharge, filed, published, repeated, sent, watermarks, window
from tests.waiting import wait_until_async
from tests.workers import letters, running, settings, settled

KEPT_MIN = 48 * 60
"""The sliding window of the shipped checkpoint."""


async def kinds(brokers: str, stay: str) -> list[tuple[int, str]]:
    """Of the stay's predictions, in the order of their publication."""
    return [(p.step, p.kind) for p in await published(brokers) if p.stay_id == stay]


async def wait_for(brokers: str, stay: str, last: tuple[int, str]) -> None:
    async def there() -> bool:
        return (await kinds(brokers, stay))[-1:] == [last]

    await wait_until_async(there, 30, f"{last} of {stay}")


async def test_a_silent_bed_is_stale_then_withheld_whoever_owns_its_partition_and_is_said_so_once(
    topics: str, predictor: Predictor
) -> None:
    to = settings(topics)
    await send(topics, [filed(admission("bed")), sent(window("bed", 30)), *watermarks(30)])
    async with running(to, predictor):
        await wait_for(topics, "bed", (1, "provisional"))
        await send(topics, watermarks(150))
        await wait_for(topics, "bed", (3, "stale"))
    async with running(to, predictor):
        await send(topics, watermarks(510))
        await wait_for(topics, "bed", (9, "withheld"))
    async with running(to, predictor):
        await send(topics, [sent(window("bed", 515))])
        await wait_for(topics, "bed", (9, "provisional"))
        balance = await settled(topics, 2)
    assert await kinds(topics, "bed") == [
        (1, "provisional"),
        (1, "final"),
        (3, "stale"),
        (9, "withheld"),
        *((step, "final") for step in range(2, 9)),
        (9, "provisional"),
    ]
    predictions = await published(topics)
    assert [p.predictions for p in predictions if p.kind == "withheld"] == [{}]
    assert repeated(predictions) == []
    assert balance.balanced, balance.problems


async def test_one_silent_bed_holds_no_other_back(topics: str, predictor: Predictor) -> None:
    silent, heard = "bed-0", "bed-1"
    await send(topics, [sent(window(silent, 30)), *(sent(window(heard, m)) for m in range(30, 200, 30))])
    await send(topics, watermarks(200))
    async with running(settings(topics), predictor):
        await wait_for(topics, silent, (3, "stale"))
        await wait_for(topics, heard, (3, "final"))
    assert "stale" not in {kind for _, kind in await kinds(topics, heard)}


async def test_a_discharge_closes_the_stay_and_later_nobody_remembers_more_than_that_it_was(
    topics: str, predictor: Predictor
) -> None:
    to = settings(topics, snapshot_every=1)
    # a second bed moves the offsets on, so that the first one is snapshotted
    await send(topics, [filed(admission("bed")), sent(window("bed", 30)), sent(window("bed-20", 40))])
    async with running(to, predictor):
        await settled(topics, 2)
        await send(topics, [filed(discharge("bed", 50)), *watermarks(50)])
        await wait_for(topics, "bed", (1, "final"))
        await send(topics, [*watermarks(50 + KEPT_MIN)])

        async def left() -> bool:
            return (await latest(topics, SNAPSHOTS)).get(b"lemof-runner|bed", b"-") is None

        await wait_until_async(left, 30, "the end of the snapshot")
    async with running(to, predictor) as process:
        await send(topics, [sent(window("bed", 45))])
        balance = await settled(topics, 3)
        known = [stay for partition in range(4) for stay in process._runner.stays(partition)]
    assert known == ["bed-20"]
    assert (balance.predicted, balance.late) == (2, 1)
    assert [letter.reason for letter in await letters(topics)] == ["late"]


async def test_a_device_whose_clock_runs_ahead_is_refused_and_costs_its_stay_nothing(
    topics: str, predictor: Predictor
) -> None:
    ahead = 30 + 60 * 24 * 8
    await send(topics, [sent(window("bed", 30)), sent(window("bed", ahead)), sent(window("bed", 40))])
    async with running(settings(topics), predictor):
        balance = await settled(topics, 3)
    assert (balance.predicted, balance.rejected) == (2, 1)
    assert [letter.reason for letter in await letters(topics)] == ["future"]
    found: list[Prediction] = await published(topics)
    assert {(p.step, p.kind) for p in found} == {(1, "provisional")}
