"""Windows of vital signs, as a bedside gateway sends them."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final, Literal, Self

import msgspec
from pydantic import Field, model_validator

from lemof_stream.contracts.message import (
    FIRST_YEAR,
    LAST_YEAR,
    Identifier,
    Instant,
    Message,
    contradiction,
)


class VitalWindow(Message):
    """The summary of one stretch of monitoring of one stay by one device.

    `channels` holds one value a channel (the window's median, for a gateway that samples), in the units of
    `channels.CHANNELS`. `admitted_at` is the origin of the stay's step grid; a gateway has it from admission
    messages, and carrying it spares every consumer a wait for another topic.

    `priority`: how much the device is to be trusted, 0 the most. Where several devices of a bed measure one channel,
    the values of the lowest number count in every five minutes.
    """

    window_id: Identifier
    stay_id: Identifier
    ward: str
    device: str
    priority: Annotated[int, Field(ge=0, le=9)] = 0
    admitted_at: Instant
    start: Instant
    end: Instant
    channels: Annotated[dict[str, float], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise contradiction("the window ends before it starts")
        if self.end < self.admitted_at:
            raise contradiction("the window ends before the stay's admission")
        return self


_FIRST: Final = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_END: Final = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
_is_identifier: Final = re.compile(r"[^|\s]{1,128}").fullmatch
# msgspec rounds what the contract cuts, and a stay whose admission differs from its record's is on another grid.
_finer_than_us: Final = re.compile(rb"\.\d{7,}[Zz+-]").search
_Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class PlainWindow(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A `VitalWindow` that was read in a third of the time, its instants written in UTC. The fields mean the same."""

    window_id: str
    stay_id: str
    ward: str
    device: str
    admitted_at: _Aware
    start: _Aware
    end: _Aware
    channels: Annotated[dict[str, float], msgspec.Meta(min_length=1)]
    priority: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0
    schema_version: Literal[1] = 1

    def keeps_contract(self) -> bool:
        """Whether what the types leave open is as in a `VitalWindow`."""
        admitted_at, start, end = self.admitted_at, self.start, self.end
        return (
            admitted_at.tzinfo is UTC
            and start.tzinfo is UTC
            and end.tzinfo is UTC
            and _FIRST <= admitted_at <= end < _END
            and _FIRST <= start <= end
            and _is_identifier(self.window_id) is not None
            and _is_identifier(self.stay_id) is not None
        )


Window = PlainWindow | VitalWindow
"""A window that was read, either way."""

_plainly: Final = msgspec.json.Decoder(PlainWindow).decode


def read_window(value: bytes) -> Window:
    """Read a window's message. What is not written plainly the contract reads, or refuses with `MessageError`."""
    try:
        window = _plainly(value)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return VitalWindow.from_bytes(value)
    plain = window.keeps_contract() and _finer_than_us(value) is None
    return window if plain else VitalWindow.from_bytes(value)
