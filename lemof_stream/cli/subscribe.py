"""`lemof subscribe`: predictions as they come, as a table for people or as lines for programs."""

import asyncio
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from lemof_stream.cli.options import Brokers, Config
from lemof_stream.client.stream import PredictionStream, Received
from lemof_stream.settings import load_settings
from lemof_stream.telemetry import configure_logs


class Start(StrEnum):
    """Where to begin."""

    BEGINNING = "beginning"
    NOW = "now"


class Format(StrEnum):
    """How to print."""

    TABLE = "table"
    JSONL = "jsonl"


def command(
    stay: Annotated[str | None, typer.Option(metavar="ID", help="Only this stay.")] = None,
    ward: Annotated[str | None, typer.Option(metavar="W", help="Only this ward.")] = None,
    final_only: Annotated[
        bool, typer.Option("--final-only", help="Only predictions of closed steps.")
    ] = False,
    start: Annotated[
        Start, typer.Option("--from", help="What the topic keeps first, or only what comes.")
    ] = Start.NOW,
    until_idle: Annotated[
        float | None,
        typer.Option(metavar="S", min=0.001, help="End after S seconds without a message. (never)"),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="table for people; jsonl for programs, one message a line.")
    ] = Format.TABLE,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Those of shadow models, which nobody is to act on.")
    ] = False,
    brokers: Brokers = None,
    config: Config = None,
) -> None:
    """Print predictions as they come; Ctrl-C ends it."""
    settings = load_settings(config, brokers=brokers)
    stream = PredictionStream(
        settings.brokers,
        stay=stay,
        ward=ward,
        final_only=final_only,
        from_beginning=start is Start.BEGINNING,
        until_idle=until_idle,
        shadow=shadow,
    )

    async def follow() -> None:
        async with stream:
            configure_logs(settings)
            show = _table() if form is Format.TABLE else _jsonl
            async for batch in stream.batches():
                show(batch)

    try:
        asyncio.run(follow())
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # the reader has what it wanted, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _jsonl(batch: list[Received]) -> None:
    """The messages as they came; one that holds a line break is written without it."""
    lines = [value if b"\n" not in value else prediction.to_bytes() for prediction, value in batch]
    sys.stdout.buffer.write(b"\n".join(lines) + b"\n")
    sys.stdout.buffer.flush()


def _table() -> Callable[[list[Received]], None]:
    from lemof_stream.cli.prediction_table import PredictionTable  # programs need no rich

    return PredictionTable().show
