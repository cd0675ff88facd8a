"""`lemof broker`: a real Kafka on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from lemof_stream.broker import daemon
from lemof_stream.broker.jars import jars_to_fetch
from lemof_stream.broker.lock import KAFKA_VERSION

app = typer.Typer(help="A real Apache Kafka on this machine, for trials and tests.", no_args_is_help=True)

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="DIR", help=f"Where Kafka keeps its data. ({daemon.default_data_dir()})"
    ),
]


@app.command()
def start(
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where it listens; port 0 takes a free one.")
    ] = "127.0.0.1:9092",
    data_dir: DataDir = None,
) -> None:
    """Start Kafka and leave it running. The first start fetches its jars."""
    folder = data_dir or daemon.default_data_dir()
    if count := jars_to_fetch():
        typer.echo(f"Fetching {count} jars of Kafka (46 MB in all, once) ...", err=True)
    running = daemon.start(folder, listen)
    typer.echo(
        f"Kafka {KAFKA_VERSION} serves on {running.address} (process {running.pid}, data in {folder})."
    )


@app.command()
def stop(data_dir: DataDir = None) -> None:
    """Stop it. Its data stay."""
    folder = data_dir or daemon.default_data_dir()
    stopped = daemon.stop(folder)
    if stopped is None:
        typer.echo(f"No Kafka runs on {folder}.")
    else:
        typer.echo(f"Kafka on {stopped.address} (process {stopped.pid}) has stopped.")


@app.command()
def status(data_dir: DataDir = None) -> None:
    """Say whether it serves: exit status 0 if it does, 1 if not."""
    folder = data_dir or daemon.default_data_dir()
    running = daemon.status(folder)
    if running is None:
        typer.echo(f"No Kafka serves on {folder}.")
        raise typer.Exit(1)
    typer.echo(
        f"Kafka {KAFKA_VERSION} serves on {running.address} (process {running.pid}, data in {folder})."
    )
