"""Text that messages and recordings wrote, made fit for a terminal."""

from rich.text import Text


def printable(text: str) -> str:
    """The text with what is not to be printed as Python escapes it: it could steer a terminal or hide in it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def plain(text: str) -> Text:
    """The printable text for rich, which would take square brackets in a `str` for its markup."""
    return Text(printable(text))
