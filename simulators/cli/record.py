"""`lemof-sim record`: live topics into a file."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lemof_stream.cli.options import Brokers, Config, Json
from lemof_stream.contracts.topics import PREDICTIONS
from lemof_stream.errors import ConfigError
from lemof_stream.settings import Settings, load_settings
from lemof_stream.stopping import stop_event
from simulators.playback import INPUTS
from simulators.record import Recorded
from simulators.record import record as record_topics


class Start(StrEnum):
    """Where to begin."""

    BEGINNING = "beginning"
    NOW = "now"


def command(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the recording goes; a new file.")],
    topics: Annotated[
        str, typer.Option(metavar="A,B", help="Which topics; several parted by commas.")
    ] = ",".join((*INPUTS, PREDICTIONS)),
    start: Annotated[
        Start, typer.Option("--from", help="What the topics keep first, or only what comes.")
    ] = Start.NOW,
    seconds: Annotated[
        float | None,
        typer.Option(min=0, help="Stop after S s, 0 with what is there now; otherwise on Ctrl-C."),
    ] = None,
    brokers: Brokers = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Record live topics into one file, for `lemof-sim replay FILE` and `lemof-sim diff`. Only what is committed.

    The file is an Arrow IPC stream (pyarrow.ipc.open_stream, polars.read_ipc_stream), a row a record: topic,
    partition, offset, timestamp, timestamp_type (0 the producer's, 1 the broker's), key, value, headers. It is written
    every second; a kill loses what came since, and leaves a file that is known to be broken off. It holds what the
    topics hold: patient data.
    """
    names = list(dict.fromkeys(name for name in topics.split(",") if name))
    if not names:
        raise ConfigError("--topics names no topic; write one, or several parted by commas.")
    settings = load_settings(config, brokers=brokers)
    recorded = asyncio.run(_record(settings, names, out, start, seconds))
    if json:
        typer.echo(recorded.model_dump_json())
        return
    listed = ", ".join(f"{count:,} of {topic}" for topic, count in recorded.records.items())
    typer.echo(f"{recorded.file}: {listed}, in {recorded.seconds:,.1f} s.")


async def _record(
    settings: Settings, topics: list[str], out: Path, start: Start, seconds: float | None
) -> Recorded:
    stopped = stop_event()

    def begun() -> None:
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, stopped.set)
        ends = "Ctrl-C ends it" if seconds is None else f"for {seconds:g} s"
        typer.echo(f"Recording {', '.join(topics)} into {out} ({ends}).", err=True)

    return await record_topics(
        settings.brokers,
        topics,
        out,
        from_beginning=start is Start.BEGINNING,
        stopped=stopped,
        begun=begun,
    )
