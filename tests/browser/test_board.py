import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Page, expect

from lemof_stream.contracts.topics import ALERTS, CENSUS, PREDICTIONS, WARD_STATE
from lemof_stream.contracts.ward import Alert, Census, Departure
from lemof_stream.worker.ward_fold import departure_key
from tests.messages import Outgoing, send
from tests.predictions import ADMITTED, prediction
from tests.programs import Program, lemof, run_lemof

UP: Final = "the board is up"


@pytest.fixture
def board(topics: str, closed_port: int, tmp_path: Path) -> Iterator[Program]:
    with start(topics, closed_port, tmp_path / "board.log") as program:
        program.wait_for(UP)
        yield program


@pytest.fixture
def address(closed_port: int) -> str:
    return f"http://127.0.0.1:{closed_port}/"


def start(brokers: str, port: int, log: Path) -> Any:
    return lemof(log, "board", "--brokers", brokers, "--port", str(port))


def bed(stay: str, step: int, **other: Any) -> Outgoing:
    item = prediction(stay, step, **other)
    return Outgoing(PREDICTIONS, stay, item.to_bytes(), item.key())


def alert(stay: str, state: str, hours: float) -> Outgoing:
    raised = Alert.model_validate(
        {
            "alert_id": f"{stay}-{state}",
            "stay_id": stay,
            "ward": "A",
            "state": state,
            "risk": "p_death",
            "value": 0.6,
            "threshold": 0.5,
            "event_time": ADMITTED + timedelta(hours=hours),
            "prediction_id": "p",
        }
    )
    return Outgoing(ALERTS, stay, raised.to_bytes(), stay.encode())


def census(ward: str, stays: int) -> Outgoing:
    taken = Census(
        ward=ward, event_time=ADMITTED, stays=stays, leaving_24h=0.34, leaving_48h=0.8, leaving_7d=2.6
    )
    return Outgoing(CENSUS, ward, taken.to_bytes(), ward.encode())


def discharge(stay: str, hours: float) -> Outgoing:
    departure = Departure(stay_id=stay, discharged_at=ADMITTED + timedelta(hours=hours))
    return Outgoing(WARD_STATE, stay, departure.to_bytes(), departure_key(stay))


@pytest.mark.usefixtures("board")
async def test_a_person_sees_every_bed_by_ward_and_what_becomes_of_it(
    topics: str, address: str, page: Page
) -> None:
    await send(
        topics,
        [
            *(bed("bed-2", step, p_death=step / 10, ward="Medical ICU") for step in (1, 2, 3)),
            bed("bed-10", 7, kind="final", p_death=0.004, ward="Medical ICU"),
            bed("bed-7", 4, kind="stale", ward="Surgical ICU"),
            bed("bed-11", 5, p_death=0.62, ward="Medical ICU"),
            alert("bed-11", "raised", 3.5),
            census("Medical ICU", 3),
        ],
    )

    await page.goto(address)

    await expect(page.get_by_role("banner")).to_contain_text("Research use, not a medical device")
    await expect(page.get_by_role("status")).to_have_text("Live")
    await expect(page.get_by_role("heading", level=2)).to_have_text(["Medical ICU", "Surgical ICU"])
    medical = page.get_by_role("region", name="Medical ICU")
    await expect(medical.get_by_role("heading", level=3)).to_have_text(["bed-11", "bed-2", "bed-10"])
    await expect(medical).to_contain_text("stays3expected to leave within 24 h0.3within 48 h0.8within 7 d2.6")
    rising = medical.get_by_role("listitem").filter(has=page.get_by_role("heading", name="bed-2"))
    await expect(rising).to_contain_text("30% ▲ 20 pts")
    await expect(rising).to_contain_text("expected stay 8.0 d (3.0 to 15.0)")
    await expect(rising).to_contain_text("Vitals 60%EHR 40%")
    await expect(rising).to_contain_text("provisionalday 0.1, hour 310:59")
    await expect(rising.get_by_role("img")).to_have_accessible_name(
        "Risk of death over 3 hours: from 10% to 30%"
    )
    await expect(medical.get_by_role("listitem").last).to_contain_text("<1%")
    await expect(page.get_by_text("Alert 11:30")).to_be_visible()
    await expect(page.get_by_role("region", name="Surgical ICU")).to_contain_text("stale")
    await expect(page).to_have_title("(1) Ward board")

    await send(
        topics,
        [
            bed("bed-2", 4, kind="final", p_death=0.12, ward="Medical ICU"),
            bed("bed-10", 8, ward="Surgical ICU"),
            alert("bed-11", "cleared", 5),
            discharge("bed-7", 3.5),
            bed("bed-7", 4, revision=2, ward="Surgical ICU"),
        ],
    )

    await expect(rising).to_contain_text("12% ▲ 2 pts")
    await expect(rising).to_contain_text("final")
    await expect(page).to_have_title("Ward board")
    await expect(medical.get_by_role("heading", level=3)).to_have_text(["bed-2", "bed-11"])
    surgical = page.get_by_role("region", name="Surgical ICU")
    await expect(surgical.get_by_role("heading", level=3)).to_have_text(["bed-10"])


async def test_the_page_comes_back_by_itself_when_the_server_was_restarted(
    topics: str, address: str, closed_port: int, page: Page, tmp_path: Path
) -> None:
    await send(topics, [bed("bed-1", 1), bed("bed-2", 1)])
    with start(topics, closed_port, tmp_path / "first.log") as first:
        await asyncio.to_thread(first.wait_for, UP)
        await page.goto(address)
        await expect(page.get_by_role("heading", level=3)).to_have_text(["bed-1", "bed-2"])
        assert await asyncio.to_thread(first.stop) == 0
        await expect(page.get_by_role("status")).to_have_text("Reconnecting")
    await send(topics, [discharge("bed-1", 0.5), bed("bed-3", 1)])

    with start(topics, closed_port, tmp_path / "second.log"):
        await expect(page.get_by_role("status")).to_have_text("Live")
        await expect(page.get_by_role("heading", level=3)).to_have_text(["bed-2", "bed-3"])


@pytest.mark.usefixtures("board")
async def test_it_fits_a_phone(topics: str, address: str, page: Page) -> None:
    await send(
        topics, [bed("sim-20260105T0800-001", 30, p_death=0.62), alert("sim-20260105T0800-001", "raised", 9)]
    )
    await page.set_viewport_size({"width": 360, "height": 740})

    await page.goto(address)
    await expect(page.get_by_text("Alert 17:00")).to_be_visible()

    assert await page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.usefixtures("board")
async def test_an_empty_board_says_that_it_waits(address: str, page: Page) -> None:
    await page.goto(address)

    await expect(page.get_by_role("main")).to_have_text(
        "No beds yet. They appear with their first prediction."
    )


def test_a_kafka_that_is_down_takes_one_sentence_and_exit_status_2(closed_port: int) -> None:
    ended = run_lemof("board", "--brokers", f"127.0.0.1:{closed_port}")

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert ended.stderr.startswith("lemof: No Kafka answers at")


def test_a_port_that_is_taken_takes_one_sentence_and_exit_status_2(topics: str) -> None:
    ended = run_lemof("board", "--brokers", topics, "--port", topics.rpartition(":")[2])

    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith("lemof: The board cannot listen on 127.0.0.1:")
