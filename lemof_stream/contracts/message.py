"""What every message on a topic has in common: a schema version, strict fields, one encoding."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, LiteralString, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from lemof_stream.contracts.channels import CHANNELS
from lemof_stream.errors import MessageError

Identifier = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^|\s]+$")]
"""An id inside a message key, where `|` parts the fields."""


def stay_of(key: bytes) -> str:
    """The stay of a message key that begins with one: what stands before the first `|`."""
    return key.partition(b"|")[0].decode(errors="replace")


FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
"""Years that an `Instant` may lie in. Arithmetic on a stay's grid overflows near the years 1 and 9999. No stay is
older than 1900, and data sets that shift their dates to hide them (and replays, at 2100) stay well before 2200."""

LONGEST_MIN: Final = (LAST_YEAR - FIRST_YEAR + 1) * 366 * 24 * 60
"""More minutes than any two instants are apart."""

_CONTRACT: Final = "contract"
"""The type of complaints whose words are ours."""

_KEPT: Final = {
    _CONTRACT, "missing", "extra_forbidden", "literal_error", "finite_number", "timezone_aware",
    "string_type", "string_too_short", "string_too_long", "string_pattern_mismatch",
    "float_type", "float_parsing", "int_type", "int_parsing", "int_parsing_size", "int_from_float", "bool_type",
    "bool_parsing", "dict_type", "tuple_type", "model_type", "model_attributes_type", "too_short", "too_long",
    "greater_than", "greater_than_equal", "less_than", "less_than_equal",
    "datetime_type", "datetime_parsing", "datetime_from_date_parsing",
}  # fmt: skip
"""Types of complaints whose words come from the contract alone. Others may cite what was sent."""

_REPLACED: Final = {
    "json_invalid": "it is no JSON",
    "union_tag_invalid": "its kind is none of this topic's",
    "union_tag_not_found": "it names no kind",
    "value_error": "its fields contradict each other",
}

_LONGEST: Final = 200  # characters of a complaint: a line or two on a terminal


def contradiction(text: LiteralString, context: dict[str, Any] | None = None) -> PydanticCustomError:
    """A complaint of a validator of ours; the text reaches logs and dead letters, so it cites no value."""
    return PydanticCustomError(_CONTRACT, text, context)


def _on_the_grid(at: datetime) -> datetime:
    if FIRST_YEAR <= at.year <= LAST_YEAR:  # asked first, as the conversion may overflow
        # Also what is UTC by another zone object, as Pydantic's is: between two of those Python asks both for their
        # offset, which makes a difference or a comparison cost ten times as much.
        at = at.astimezone(UTC)
        if FIRST_YEAR <= at.year <= LAST_YEAR:
            return at
    raise contradiction(
        "the instant lies outside the years {first} to {last}", {"first": FIRST_YEAR, "last": LAST_YEAR}
    )


def _instant(value: object, read: Callable[[object], datetime]) -> datetime:
    """What we write ourselves Python reads, straight into its own UTC, at half of the cost; the rest Pydantic does."""
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            at = None
        if at is not None and at.tzinfo is UTC and FIRST_YEAR <= at.year <= LAST_YEAR:
            return at
    return _on_the_grid(read(value))


Instant = Annotated[AwareDatetime, WrapValidator(_instant)]
"""An instant, in UTC whatever offset it was written with. Naive times are refused: they would shift a stay's grid."""


class Part(BaseModel):
    """Base of what a message is made of. Unknown fields are refused, so that a producer's typing slip is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def of_checked(cls, fields: dict[str, Any]) -> Self:
        """A part made of every field, in their order, at the rate of the hot path: nothing of them is looked at."""
        part = cls.__new__(cls)
        object.__setattr__(part, "__dict__", fields)
        object.__setattr__(part, "__pydantic_fields_set__", set(fields))
        object.__setattr__(part, "__pydantic_extra__", None)
        object.__setattr__(part, "__pydantic_private__", None)
        return part


class Message(Part):
    """Base of every message."""

    schema_version: Literal[1] = 1

    def to_bytes(self) -> bytes:
        """The message as UTF-8 JSON."""
        return self.__pydantic_serializer__.to_json(self)  # what `model_dump_json` decodes

    @classmethod
    def from_bytes(cls, value: bytes | None) -> Self:
        """Read a message; `MessageError` with the reason `unreadable` says what does not fit."""
        if value is None:
            raise MessageError("unreadable", f"The message has no value where a {cls.__name__} is due.")
        try:
            message: Self = cls.__pydantic_validator__.validate_json(
                value
            )  # what `model_validate_json` calls
        except ValidationError as error:
            raise unreadable(cls.__name__, error) from None
        return message


def unreadable(what: str, error: ValidationError) -> MessageError:
    """Turn Pydantic's first complaint into one sentence that cites nothing of the message.

    Not even names of fields, other than those of the contracts: a producer may have put a patient's there.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    kind, text = first["type"], first["msg"]
    complaint = text if kind in _KEPT else _REPLACED.get(kind, "it does not fit")
    if kind == "json_invalid" and (position := re.search(r"line \d+ column \d+$", text)):
        complaint += f" at {position[0]}"
    return MessageError(
        "unreadable",
        f"The message is no {what}: {_where(first['loc'])}: {complaint[:_LONGEST]}; correct it at its producer and "
        "redrive it.",
    )


def _where(location: tuple[int | str, ...]) -> str:
    known = {*CHANNELS, *_vocabulary(Part)}
    names: list[str] = []
    for part in location:
        if isinstance(part, str) and part not in known:
            return " of ".join(["an unknown field", *filter(None, [".".join(names)])])
        names.append(str(part))
    return ".".join(names) or "the message"


def _vocabulary(model: type[Part]) -> Iterator[str]:
    """The fields of a message model and of all that derive from it, and the kinds that tell them apart."""
    for name, field in model.model_fields.items():
        yield name
        if name == "kind" and isinstance(field.default, str):
            yield field.default
    for derived in model.__subclasses__():
        yield from _vocabulary(derived)
