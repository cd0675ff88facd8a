"""`lemof-sim`: what comes in at the topics when there are no patients."""

import asyncio
import signal
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lemof_stream.cli.cohort_options import Data, folders
from lemof_stream.cli.options import Brokers, Config, Json
from lemof_stream.cohorts import read_cohort
from lemof_stream.errors import ConfigError, LemofError
from lemof_stream.settings import Settings, load_settings
from lemof_stream.telemetry.pseudonyms import use_key
from lemof_stream.telemetry.tracing import tracer_from_environment
from simulators.cli import load
from simulators.play import Played, Player
from simulators.replay import choose, timeline_of
from simulators.sender import open_sender
from simulators.timeline import Timeline
from simulators.ward import ward as ward_timeline

app = typer.Typer(
    name="lemof-sim",
    help="Recorded and simulated wards, sent onto the topics.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command(name="load")(load.command)

Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same messages.")]


def main() -> None:
    """Run a command: exit 0 done, 2 wrong usage or input (one sentence), 1 anything else."""
    try:
        app()
    except LemofError as error:
        typer.echo(f"lemof-sim: {error}", err=True)
        sys.exit(2)


@app.command()
def replay(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The cohort, such as physionet2012.")],
    data: Data = None,
    stays: Annotated[int | None, typer.Option(min=1, help="Only the first N stays.")] = None,
    stay: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this stay; may be repeated.")
    ] = None,
    speed: Annotated[
        str, typer.Option(metavar="X|max", help="Times real time, or as fast as possible.")
    ] = "max",
    seed: Seed = 0,
    disorder: Annotated[
        float, typer.Option(min=0, help="Hold messages back by up to S s of event time.")
    ] = 0,
    duplicates: Annotated[float, typer.Option(min=0, max=1, help="Send this share of messages twice.")] = 0,
    brokers: Brokers = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Play a recorded cohort onto the topics: vitals as windows, EHR items as events, at their event times.

    All stays are admitted at 2100-01-01T00:00Z and discharged at the end of their last hour that holds data.
    """
    settings = load_settings(config, brokers=brokers)
    factor = _factor(speed)
    cohort = choose(read_cohort(name, *folders(name, data, settings)), stay or (), stays)
    timeline = timeline_of(cohort, disorder_s=disorder, duplicates=duplicates, seed=seed)
    played = asyncio.run(_play(timeline, settings, factor, None))
    _tell(played, json)
    if not played.complete:
        typer.echo("lemof-sim: the replay was stopped before its end.", err=True)
        raise typer.Exit(1)


@app.command()
def ward(
    beds: Annotated[int, typer.Option(min=1, help="Beds, all taken.")] = 12,
    speed: Annotated[float, typer.Option(min=0.001, help="Times real time.")] = 1.0,
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after S s; otherwise on Ctrl-C.")] = None,
    seed: Seed = 0,
    brokers: Brokers = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Simulate a live ward: coupled vital signs with a daily rhythm, patients who get worse and better, labs.

    Event time starts now and runs at --speed.
    """
    settings = load_settings(config, brokers=brokers)
    timeline = ward_timeline(beds, datetime.now(UTC).replace(microsecond=0), seed)
    _tell(asyncio.run(_play(timeline, settings, speed, seconds)), json)


def _factor(speed: str) -> float | None:
    """The multiple of real time; None for `max`.

    Raises:
        ConfigError: it is neither `max` nor a number above 0.
    """
    if speed == "max":
        return None
    try:
        factor = float(speed)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise ConfigError(f"--speed {speed} is no speed; write a number above 0, or max.")
    return factor


async def _play(timeline: Timeline, settings: Settings, speed: float | None, seconds: float | None) -> Played:
    """Play until the end, a signal, or for `seconds`; what was begun is delivered in each case."""
    use_key(settings.pseudonym_key)  # of the stays in spans
    tracer = tracer_from_environment("lemof-sim", head=True)
    async with open_sender(settings.brokers, tracer) as sender:
        player = Player(timeline, sender, speed)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, player.stop)
        if seconds is not None:
            loop.call_later(seconds, player.stop)
        with _progress() as bar:
            task = bar.add_task("messages", total=timeline.messages or None)
            return await player.play(lambda count: bar.advance(task, count))


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,  # a log file wants no bar
    )


def _tell(played: Played, json: bool) -> None:
    if json:
        typer.echo(played.model_dump_json())
        return
    typer.echo(
        f"{played.stays:,} stays: {played.windows:,} windows and {played.events:,} EHR events in "
        f"{played.seconds:,.1f} s, {played.speed_up:,.0f} times real time."
    )
