"""TOML files that people write, and what of them does not fit."""

import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lemof_stream.errors import ConfigError


def read_toml(file: Path | Traversable, what: str, *, mend: str) -> dict[str, Any]:
    """The tables of a file; `what` it is, and what to do where it is not there, go into the sentence.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigError(f"The {what} {file} cannot be read: {error.strerror}; {mend}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The {what} {file} is no TOML: {error}; correct it.") from None


def first_complaint(error: ValidationError) -> tuple[str, str]:
    """Where, as a dotted path (empty: the whole), and what does not fit there."""
    first = error.errors(include_url=False)[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"].removeprefix("Value error, ")
