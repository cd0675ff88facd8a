"""Keyed pseudonyms: the same stay has the same one under one key, and nobody without the key can go back."""

import hashlib
import hmac
import secrets
from functools import lru_cache

from pydantic import SecretStr

_key = secrets.token_bytes(32)


def use_key(key: SecretStr | None) -> None:
    """Key all pseudonyms of this process; None draws a key that nobody knows and that ends with the process."""
    global _key  # noqa: PLW0603 - one key a process, like the log stream that it protects
    _key = secrets.token_bytes(32) if key is None else key.get_secret_value().encode()
    pseudonym.cache_clear()


@lru_cache(maxsize=1 << 12)  # the stays that a process logs about
def pseudonym(identifier: str) -> str:
    """A stand-in for a stay id in logs: 48 bits, so that two of a million stays are alike with a chance of 0.2%."""
    return "p" + hmac.new(_key, identifier.encode(), hashlib.sha256).hexdigest()[:12]
