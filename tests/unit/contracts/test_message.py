import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from lemof_stream.contracts.ehr import read_ehr_event
from lemof_stream.contracts.message import LONGEST_MIN
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.errors import MessageError
from tests.predictions import prediction

AT: Final = "2026-01-05T08:00:00Z"
WINDOW: Final[dict[str, Any]] = {
    "window_id": "w-1",
    "stay_id": "stay-1",
    "ward": "A",
    "device": "m-1",
    "admitted_at": AT,
    "start": AT,
    "end": AT,
    "channels": {"heart_rate": 80.0},
}


def window(**other: Any) -> bytes:
    return json.dumps(WINDOW | other).encode()


def at(text: str) -> bytes:
    return window(admitted_at=text, start=text, end=text)


def complaint(value: bytes) -> str:
    with pytest.raises(MessageError) as caught:
        VitalWindow.from_bytes(value)
    assert caught.value.reason == "unreadable"
    return str(caught.value)


@pytest.mark.parametrize(
    "text", ["2026-01-05T08:00:00Z", "2026-01-05T10:00:00+02:00", "2026-01-04T18:00:00-14:00"]
)
def test_an_instant_is_in_utc_whatever_its_offset(text: str) -> None:
    read = VitalWindow.from_bytes(at(text))

    assert (read.end, read.end.tzinfo) == (datetime(2026, 1, 5, 8, tzinfo=UTC), UTC)
    assert json.loads(read.to_bytes())["end"] == AT


@pytest.mark.parametrize("text", ["1900-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "2200-12-31T23:59:59Z"])
def test_instants_that_a_data_set_or_a_replay_has_are_read(text: str) -> None:
    read = VitalWindow.from_bytes(at(text))

    assert VitalWindow.from_bytes(read.to_bytes()) == read


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1900-01-01T00:00:00+01:00",
        "2200-12-31T23:59:59-01:00",
    ],
)
def test_an_instant_beyond_which_the_grid_overflows_is_refused(text: str) -> None:
    assert "admitted_at: the instant lies outside the years 1900 to 2200; correct it" in complaint(at(text))


def test_a_naive_instant_is_refused() -> None:
    assert "timezone" in complaint(at("2026-01-05T08:00:00"))


@pytest.mark.parametrize(("field", "early"), [("start", "2026-01-05T07:00:00Z"), ("admitted_at", AT)])
def test_a_window_that_ends_too_early_is_refused(field: str, early: str) -> None:
    text = complaint(window(start=early, end="2026-01-05T07:30:00Z"))

    assert "the window ends before " + ("the stay's admission" if field == "start" else "it starts") in text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (window(**{"John Doe 4711": 1}), "an unknown field: Extra"),
        (window(channels={"John Doe 4711": "x"}), "an unknown field of channels: "),
        (
            window(channels={"heart_rate": "John Doe 4711"}),
            "channels.heart_rate: Input should be a valid number",
        ),
        (window(end="John Doe 4711"), "end: Input should be a valid datetime"),
        (window(schema_version="John Doe 4711"), "schema_version: Input should be 1"),
        (window(window_id="John Doe 4711"), "window_id: String should match"),
        (b'{"John Doe": 4711', "it is no JSON at line 1 column 17"),
        (window(**{"John Doe 4711 " * 50_000: 1}), "an unknown field: Extra"),
    ],
)
def test_a_complaint_cites_nothing_of_the_message(value: bytes, said: str) -> None:
    text = complaint(value)

    assert said in text
    assert "Doe" not in text
    assert "4711" not in text
    assert len(text) < 300


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b'{"kind": "John Doe 4711"}', "its kind is none of this topic's"),
        (b'{"Doe": "John Doe 4711"}', "it names no kind"),
        (b'{"kind": "observations", "Doe 4711": 1}', "observations.event_id: Field required"),
        (
            b'{"kind": "watermark", "event_time": "2026-01-05T08:00:00Z", "Doe 4711": 1}',
            "an unknown field of watermark",
        ),
    ],
)
def test_a_complaint_about_an_event_cites_nothing_of_it(value: bytes, said: str) -> None:
    with pytest.raises(MessageError, match=said) as caught:
        read_ehr_event(value)

    assert "Doe" not in str(caught.value)


@pytest.mark.parametrize(
    "other", [{"prediction_id": "x" * 121}, {"step": LONGEST_MIN + 1}, {"step_end_min": 10**14}]
)
def test_a_prediction_beyond_what_can_be_reckoned_with_is_refused(other: dict[str, Any]) -> None:
    good = prediction()
    assert Prediction.from_bytes(good.to_bytes()) == good

    with pytest.raises(MessageError):
        Prediction.from_bytes(good.model_copy(update=other).to_bytes())
