"""A window that is read plainly is the window that the contract reads, and what the contract refuses is refused."""

import json
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from lemof_stream.contracts.vitals import PlainWindow, VitalWindow, read_window
from lemof_stream.errors import MessageError
from lemof_stream.worker.bench.beds import Beds

_INSTANTS: Final = [
    "2031-03-01T00:00:00Z", "2031-03-01T00:01:00.5Z", "2031-03-01T00:00:00.123456Z", "2031-03-01T00:00:59.9999999Z",
    "2031-03-01T00:00:00.123456789Z", "2031-03-01T00:00:00.1234567+00:00", "2031-03-01T02:00:00+02:00",
    "2031-03-01T00:00:00", "2031-03-01 00:00:00Z", "2031-03-01t00:00:00z", "2031-03-01", "1899-12-31T23:59:59Z",
    "2200-12-31T23:59:59.999999Z", "2201-01-01T00:00:00Z", "2031-02-30T00:00:00Z", "2031-03-01T00:00:60Z",
    "2031-03-01T24:00:00Z", "1930000000", "", 1930000000, 1930000000.5, None,
]  # fmt: skip
_IDS: Final = [
    "bed-1",
    "",
    "a|b",
    "a b",
    "a\u2003b",
    "a\u001cb",
    "a\u200bb",
    "é",
    "x" * 128,
    "x" * 129,
    7,
    None,
]
_NUMBERS: Final = [80.5, 80, -1, 1e308, "80", "NaN", True, None, [], 10**400]
_ID: Final = st.sampled_from(_IDS)
_INSTANT: Final = st.sampled_from(_INSTANTS)
_FIELDS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "schema_version": st.sampled_from([1, 1.0, 2, "1", True, None]),
    "window_id": _ID,
    "stay_id": _ID,
    "ward": _ID,
    "device": st.text(),
    "priority": st.sampled_from([0, 9, 10, -1, 3.0, 3.5, "3", True, None]),
    "admitted_at": _INSTANT,
    "start": _INSTANT,
    "end": _INSTANT,
    "channels": st.dictionaries(st.sampled_from(["heart_rate", "spo2", "?"]), st.sampled_from(_NUMBERS)),
    "unknown": st.just(1),
}
_GOOD: Final = json.loads(next(Beds(1, 1).windows(1)).record.value)


def fields(window: PlainWindow | VitalWindow) -> dict[str, Any]:
    instants = {name: (at := getattr(window, name), at.tzinfo) for name in ("admitted_at", "start", "end")}
    return {name: getattr(window, name) for name in VitalWindow.model_fields} | instants


def same(value: bytes) -> None:
    try:
        expected = fields(VitalWindow.from_bytes(value))
    except MessageError as refusal:
        expected = {"refusal": str(refusal)}
    try:
        found = fields(read_window(value))
    except MessageError as refusal:
        found = {"refusal": str(refusal)}
    assert found == expected


@given(
    st.fixed_dictionaries({}, optional=_FIELDS),
    st.lists(st.sampled_from(sorted(_GOOD)), max_size=1),
)
def test_a_message_reads_alike_or_is_refused_alike(changed: dict[str, Any], missing: list[str]) -> None:
    message = {name: content for name, content in (_GOOD | changed).items() if name not in missing}
    same(json.dumps(message).encode())
    same(json.dumps(message, ensure_ascii=False, indent=1).encode(errors="surrogatepass"))


@given(st.integers(0, 400), st.binary(max_size=3), st.integers(0, 3))
def test_a_damaged_message_reads_alike_or_is_refused_alike(place: int, put: bytes, instead_of: int) -> None:
    value = json.dumps(_GOOD).encode()
    same(value[:place] + put + value[place + instead_of :])


def test_a_field_that_is_given_twice_reads_alike() -> None:
    value = json.dumps(_GOOD)
    same((value[:-1] + ',"stay_id":"other","channels":{"spo2":90,"spo2":91}}').encode())


def test_what_our_own_producers_write_is_read_plainly() -> None:
    assert isinstance(read_window(VitalWindow(**_GOOD).to_bytes()), PlainWindow)
