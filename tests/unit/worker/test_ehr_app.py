from types import SimpleNamespace
from typing import Any, cast

import pytest

from lemof_stream.contracts.ehr import Discharge, EhrEvent
from lemof_stream.contracts.operations import DeadLetter
from lemof_stream.contracts.topics import EHR_EVENTS
from lemof_stream.settings import Settings
from lemof_stream.worker import ehr_app
from tests.predictions import ADMITTED


async def test_an_event_that_a_fold_breaks_on_is_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_record: object, _event: EhrEvent) -> None:
        raise OverflowError

    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(ehr_app, "fold_stay", broken)
    app = ehr_app.EhrApp(Settings(), 1)
    monkeypatch.setattr(app._dead_letters._topic, "send_soon", lambda **letter: sent.append(letter))
    event = Discharge(event_id="e", stay_id="bed", ward="A", admitted_at=ADMITTED, event_time=ADMITTED)
    value = event.to_bytes()
    message = SimpleNamespace(
        topic=EHR_EVENTS, partition=2, offset=17, timestamp=0.0, key=b"bed", value=value
    )

    app._take(cast("Any", SimpleNamespace(message=message)))

    [written] = sent
    letter = DeadLetter.from_bytes(written["value"])
    assert (letter.reason, letter.consumer, letter.offset) == ("failed", "lemof-ehr", 17)
    assert (letter.key, letter.value) == (b"bed", value)
