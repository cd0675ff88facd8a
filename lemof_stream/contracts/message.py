"""What every message on a topic has in common: a schema version, strict fields, one encoding."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from lemof_stream.errors import MessageError

Identifier = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^|\s]+$")]
"""An id inside a message key, where `|` parts the fields."""

Instant = AwareDatetime
"""An instant with its UTC offset; naive times are refused, as they would shift a stay's grid."""


class Part(BaseModel):
    """Base of what a message is made of. Unknown fields are refused, so that a producer's typing slip is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Message(Part):
    """Base of every message."""

    schema_version: Literal[1] = 1

    def to_bytes(self) -> bytes:
        """The message as UTF-8 JSON."""
        return self.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, value: bytes | None) -> Self:
        """Read a message; `MessageError` with the reason `unreadable` says what does not fit."""
        if value is None:
            raise MessageError("unreadable", f"The message has no value where a {cls.__name__} is due.")
        try:
            return cls.model_validate_json(value)
        except ValidationError as error:
            raise unreadable(cls.__name__, error) from None


def unreadable(what: str, error: ValidationError) -> MessageError:
    """Turn Pydantic's first complaint into one sentence that names no value (a value may identify)."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the message"
    return MessageError(
        "unreadable",
        f"The message is no {what}: {where}: {first['msg']}; correct it at its producer and redrive it.",
    )
