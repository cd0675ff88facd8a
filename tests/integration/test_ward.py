"""A simulated ward on a real Kafka, through the EHR app and a runner: patients come, move and go."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from lemof_stream.contracts.ehr import Admission, Discharge, Transfer
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.model.predictor import Predictor
from simulators.play import Player
from simulators.sender import open_sender
from simulators.timeline import Timeline
from simulators.ward import ward
from tests.programs import lemof
from tests.streams import published
from tests.waiting import wait_until_async
from tests.workers import running, settings, settled

START: Final = datetime(2026, 3, 1, 8, tzinfo=UTC)
HOURS: Final = 24
BEDS: Final = 10
_FLOW_S: Final = 120.0  # Faust takes some ten seconds to join its group, and as long again on a busy machine


def a_day() -> Timeline:
    endless = ward(BEDS, START, seed=12)
    minutes = HOURS * 60
    return replace(endless, end_s=minutes * 60.0, moments=islice(endless.moments, minutes + 1))


async def test_every_window_of_a_ward_is_predicted_and_every_stay_that_left_is_closed(
    topics: str, tmp_path: Path, predictor: Predictor
) -> None:
    sent = [message for moment in a_day().moments for message in moment.messages]
    windows = sum(isinstance(message, VitalWindow) for message in sent)
    left = {m.stay_id: m for m in sent if isinstance(m, Discharge)}
    wards = {m.stay_id: m.ward for m in sent if isinstance(m, Admission | Transfer)}
    assert left
    assert len(wards) > BEDS
    assert any(isinstance(message, Transfer) for message in sent)

    with lemof(tmp_path / "ehr.log", "ehr", "--brokers", topics):
        async with running(settings(topics), predictor), open_sender(topics) as sender:
            await Player(a_day(), sender, None).play(lambda _: None)
            balance = await settled(topics, windows, _FLOW_S)

            async def closed() -> bool:
                ends = {(p.stay_id, p.step) for p in await published(topics) if p.kind == "final"}
                return all((stay, _last_step(own)) in ends for stay, own in left.items())

            await wait_until_async(closed, _FLOW_S, "the last final of every stay that left")
    assert balance.balanced, balance.problems
    assert (balance.received, balance.predicted) == (windows, windows)
    newest = {
        p.stay_id: p for p in await published(topics) if p.event_time > START + timedelta(hours=HOURS - 1)
    }
    assert {stay: p.ward for stay, p in newest.items()} == {stay: wards[stay] for stay in newest}


def _last_step(discharge: Discharge) -> int:
    return math.ceil((discharge.event_time - discharge.admitted_at) / timedelta(hours=1))
