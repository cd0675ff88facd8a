"""`lemof dlq`: what could not be used, and sending it back."""

import asyncio
import json as encode
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lemof_stream.cli.options import Brokers, Config, Json
from lemof_stream.cli.plain import plain, printable
from lemof_stream.errors import ConfigError
from lemof_stream.settings import load_settings
from lemof_stream.worker.redrive import Filed, LetterId, dead_letters, find, redrive

_FILE_WIDTH = 160  # columns of a table that no terminal bounds: a reason's sentence then takes a line or two

app = typer.Typer(help="Dead letters: what could not be used, with its bytes.", no_args_is_help=True)

Letter = Annotated[str, typer.Argument(metavar="LETTER", help="Its partition and offset, as in 2:17.")]


@app.command("list")
def list_letters(
    brokers: Brokers = None,
    config: Config = None,
    reason: Annotated[str | None, typer.Option(metavar="WORD", help="Only letters of this reason.")] = None,
    group: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only letters of this consumer group.")
    ] = None,
    json: Json = False,
) -> None:
    """List the dead letters: where from, who gave up on it, why. Shadows write some of their own."""
    settings = load_settings(config, brokers=brokers)
    letters = [
        filed
        for filed in asyncio.run(_all(settings.brokers))
        if reason in {None, filed.letter.reason} and group in {None, filed.letter.consumer}
    ]
    if json:
        typer.echo(encode.dumps({"letters": [_facts(filed) for filed in letters]}))
        return
    table = Table(box=box.SIMPLE)
    for column in ("letter", "written", "by", "reason", "from"):
        table.add_column(column, no_wrap=True)
    table.add_column("detail", overflow="fold")
    for facts in map(_facts, letters):
        origin = f"{facts['topic']} {facts['partition']}:{facts['offset']}"
        cells = (
            facts["letter"],
            facts["written"],
            facts["consumer"],
            facts["reason"],
            origin,
            facts["detail"],
        )
        table.add_row(*map(plain, cells))
    console = Console()
    (console if console.is_terminal else Console(width=_FILE_WIDTH)).print(table)
    typer.echo(f"{len(letters)} dead letters.")


@app.command()
def show(letter: Letter, brokers: Brokers = None, config: Config = None, json: Json = False) -> None:
    """Show one dead letter with the original message."""
    settings = load_settings(config, brokers=brokers)
    filed = asyncio.run(find(settings.brokers, LetterId.parse(letter)))
    if json:
        original = {"key": _base64(filed.letter.key), "value": _base64(filed.letter.value)}
        typer.echo(encode.dumps(_facts(filed) | original))
        return
    for name, fact in _facts(filed).items():
        typer.echo(f"{name + ':':11}{printable(str(fact))}")
    typer.echo(f"{'key:':11}{_text(filed.letter.key)}")
    typer.echo(_text(filed.letter.value))


@app.command("redrive")
def redrive_letter(
    letter: Letter,
    brokers: Brokers = None,
    config: Config = None,
    value: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Send this file's bytes in place of the original value."),
    ] = None,
) -> None:
    """Send a dead letter's message back to the topic and partition that it came from, once.

    Every group takes it from there: one that had taken the original counts a duplicate.
    """
    settings = load_settings(config, brokers=brokers)
    filed = asyncio.run(redrive(settings.brokers, LetterId.parse(letter), _read(value)))
    typer.echo(f"Sent {filed.id} back to {filed.letter.topic} partition {filed.letter.partition}.")


async def _all(brokers: str) -> list[Filed]:
    return [filed async for filed in dead_letters(brokers)]


def _facts(filed: Filed) -> dict[str, Any]:
    letter = filed.letter
    return {
        "letter": str(filed.id),
        "written": datetime.fromtimestamp(filed.filed_ms / 1000, UTC).isoformat(timespec="seconds"),
        "reason": letter.reason,
        "detail": letter.detail,
        "consumer": letter.consumer,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "timestamp": letter.timestamp.isoformat(),
    }


def _base64(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()


def _text(content: bytes | None) -> str:
    """As text where it is text, else as Python writes bytes: a terminal is not to be steered by a message."""
    if content is None:
        return "(none)"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return repr(content)
    return text if text.isprintable() else repr(content)


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"The file {path} cannot be read: {error.strerror}; check --value.") from None
