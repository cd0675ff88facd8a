import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from lemof_stream.contracts.ehr import StayRecord
from lemof_stream.contracts.operations import DeadLetter
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import ALERTS, CENSUS, DEAD_LETTERS, EHR_FEATURES, PREDICTIONS, WARD_STATE
from lemof_stream.contracts.ward import Alert, Census
from lemof_stream.worker.ehr_fold import stay_key
from tests.messages import Outgoing, follow, latest, read_all, send
from tests.predictions import ADMITTED, prediction
from tests.programs import lemof
from tests.waiting import wait_until_async

DEADLINE_S: Final = 60.0


def outgoing(predictions: Iterable[Prediction]) -> list[Outgoing]:
    return [Outgoing(PREDICTIONS, item.stay_id, item.to_bytes(), item.key()) for item in predictions]


def discharge(stay: str, hours: float) -> Outgoing:
    at = ADMITTED + timedelta(hours=hours)
    record = StayRecord(stay_id=stay, ward="A", admitted_at=ADMITTED, event_time=at, discharged_at=at)
    return Outgoing(EHR_FEATURES, stay, record.to_bytes(), stay_key(stay))


async def census_with(brokers: str, stays: int) -> Census:
    """The first census, from now or before, that counts so many stays."""
    async with asyncio.timeout(DEADLINE_S), aclosing(follow(brokers, CENSUS)) as records:
        async for record in records:
            census = Census.from_bytes(record.value)
            if census.stays == stays:
                return census
    raise AssertionError


async def alerts_until(brokers: str, *last: str) -> list[Alert]:
    """Alerts until those with the ids `last` are there, repeats of an id left out as a consumer would."""
    alerts: dict[str, Alert] = {}
    async with asyncio.timeout(DEADLINE_S), aclosing(follow(brokers, ALERTS)) as records:
        async for record in records:
            alert = Alert.from_bytes(record.value)
            alerts[alert.alert_id] = alert
            if alerts.keys() >= set(last):
                break
    return list(alerts.values())


async def test_predictions_become_alerts_and_a_census(topics: str, tmp_path: Path) -> None:
    risks = [0.2, 0.6, 0.45, 0.3, 0.7]
    watched = [prediction("stay-1", step, p_death=risk) for step, risk in enumerate(risks, start=1)]
    others = [prediction(f"stay-{number}", 5) for number in range(2, 12)]

    with lemof(tmp_path / "ward.log", "ward", "--brokers", topics) as app:
        await send(topics, [*outgoing(watched + others), Outgoing(PREDICTIONS, "stay-1", b"no json", b"key")])
        alerts = await alerts_until(topics, "stay-1-5-1-raised")
        full = await census_with(topics, 11)
        await send(topics, [discharge("stay-1", 4.5), discharge("stay-2", 4.5)])
        last = (await alerts_until(topics, "stay-1-5-1-cleared"))[-1]
        emptier = await census_with(topics, 9)
        assert app.stop() == 0

    assert [(alert.state, alert.value) for alert in alerts] == [
        ("raised", 0.6),
        ("cleared", 0.3),
        ("raised", 0.7),
    ]
    assert (last.state, last.stay_id) == ("cleared", "stay-1")
    assert full.ward == "A"
    assert 0 < full.leaving_24h < full.leaving_48h < full.leaving_7d < 11
    assert emptier.leaving_7d < full.leaving_7d
    [letter] = [DeadLetter.from_bytes(record.value) for record in await read_all(topics, DEAD_LETTERS)]
    assert (letter.consumer, letter.reason, letter.value) == ("lemof-ward", "unreadable", b"no json")


async def test_tombstones_of_a_stay_end_its_state_and_leave_the_others(topics: str, tmp_path: Path) -> None:
    left, here = [prediction("stay-1", step) for step in (1, 2)], [prediction("stay-2", 2)]
    tombstones = [item._replace(value=None) for item in [*outgoing(left), discharge("stay-1", 2)]]

    async def state() -> dict[bytes, bytes]:
        return {key: value for key, value in (await latest(topics, WARD_STATE)).items() if value}

    async def holds(*keys: bytes) -> bool:
        return (await state()).keys() == set(keys)

    with lemof(tmp_path / "ward.log", "ward", "--brokers", topics) as app:
        await send(topics, [*outgoing(left + here), discharge("stay-1", 2)])
        all_there = partial(holds, b"stay-1|outlook", b"stay-1|left", b"stay-2|outlook")
        await wait_until_async(all_there, DEADLINE_S, "the state of both stays")
        await send(topics, tombstones)
        await wait_until_async(partial(holds, b"stay-2|outlook"), DEADLINE_S, "the state of one stay alone")
        assert app.stop() == 0

    assert "skipped" not in (tmp_path / "ward.log").read_text()


async def test_kill_9_loses_no_alert_and_raises_none_anew(topics: str, tmp_path: Path) -> None:
    stays = [f"stay-{number}" for number in range(40)]
    first = [prediction(stay, step, p_death=0.1 * step) for step in range(1, 7) for stay in stays]
    second = [prediction(stay, step, p_death=0.45) for step in range(7, 9) for stay in stays]
    end = [prediction(stay, 9, p_death=0.1) for stay in stays]

    await send(topics, outgoing(first))
    with lemof(tmp_path / "first.log", "ward", "--brokers", topics) as app:
        async with asyncio.timeout(DEADLINE_S), aclosing(follow(topics, ALERTS)) as records:
            async for _ in records:
                break
        app.kill()
    await send(topics, outgoing(second + end))
    with lemof(tmp_path / "second.log", "ward", "--brokers", topics) as app:
        await census_with(topics, 40)
        await alerts_until(topics, *(f"{stay}-9-1-cleared" for stay in stays))
        assert app.stop() == 0

    alerts = {Alert.from_bytes(record.value).alert_id for record in await read_all(topics, ALERTS)}
    assert alerts == {f"{stay}-{what}" for stay in stays for what in ("5-1-raised", "9-1-cleared")}


async def test_a_prediction_of_an_aborted_transaction_raises_nothing(topics: str, tmp_path: Path) -> None:
    await send(topics, outgoing([prediction("stay-1", 1, p_death=0.9)]), "aborted", abort=True)

    with lemof(tmp_path / "ward.log", "ward", "--brokers", topics):
        await send(topics, outgoing([prediction("stay-1", 2, p_death=0.8)]), "committed")
        alerts = await alerts_until(topics, "stay-1-2-1-raised")

    assert [alert.prediction_id for alert in alerts] == ["stay-1-2-1"]


async def test_a_prediction_that_no_state_can_hold_is_a_dead_letter_and_stops_nothing(
    topics: str, tmp_path: Path
) -> None:
    early = prediction("stay-1", 1, step_end=datetime(1900, 1, 1, tzinfo=UTC))  # admitted an hour before

    with lemof(tmp_path / "ward.log", "ward", "--brokers", topics) as app:
        await send(topics, outgoing([early, prediction("stay-1", 2, p_death=0.8)]))
        alerts = await alerts_until(topics, "stay-1-2-1-raised")
        assert app.stop() == 0

    assert [alert.state for alert in alerts] == ["raised"]
    [letter] = [DeadLetter.from_bytes(record.value) for record in await read_all(topics, DEAD_LETTERS)]
    assert (letter.consumer, letter.reason, letter.value) == ("lemof-ward", "failed", early.to_bytes())
