"""Windows of vital signs, as a bedside gateway sends them."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from lemof_stream.contracts.message import Identifier, Instant, Message, contradiction


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
