"""`lemof-sim`: what comes in at the topics when there are no patients."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from lemof_stream.cli.options import Brokers, Config, Json
from lemof_stream.errors import LemofError
from lemof_stream.settings import load_settings
from simulators.cli import compare, diff, faults, load, record, replay
from simulators.cli.playing import play, tell
from simulators.ward import OCCUPANCY
from simulators.ward import ward as ward_timeline

app = typer.Typer(
    name="lemof-sim",
    help="Recorded and simulated wards, sent onto the topics.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command: exit 0 done, 2 wrong usage or input (one sentence), 1 anything else."""
    try:
        app()
    except LemofError as error:
        typer.echo(f"lemof-sim: {error}", err=True)
        sys.exit(2)


app.command(name="replay")(replay.command)
app.command(name="record")(record.command)
app.command(name="diff")(diff.command)
app.command(name="faults")(faults.command)
app.command(name="load")(load.command)
app.command(name="compare")(compare.command)


@app.command()
def ward(
    beds: Annotated[int, typer.Option(min=1, help="Beds, all taken at first.")] = 12,
    occupancy: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the beds that patients come for afterwards, on average."),
    ] = OCCUPANCY,
    speed: Annotated[float, typer.Option(min=0.001, help="Times real time.")] = 1.0,
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after S s; otherwise on Ctrl-C.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same messages.")] = 0,
    brokers: Brokers = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Simulate a live ward: patients whose circulation, lungs and organs depend on each other and on what is done for
    them, monitors with artefacts, charts and labs, admissions, transfers and discharges.

    Event time starts now and runs at --speed.
    """
    settings = load_settings(config, brokers=brokers)
    timeline = ward_timeline(beds, datetime.now(UTC).replace(microsecond=0), seed, occupancy)
    tell(asyncio.run(play(timeline, settings, speed, seconds=seconds)), json=json)
