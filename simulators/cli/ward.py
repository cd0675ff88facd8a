"""`lemof-sim ward`: simulated beds, live."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from lemof_stream.cli.options import Brokers, Config, Json
from lemof_stream.settings import load_settings
from simulators.cli.playing import play, tell
from simulators.ward import OCCUPANCY, ward


def command(
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
    timeline = ward(beds, datetime.now(UTC).replace(microsecond=0), seed, occupancy)
    tell(asyncio.run(play(timeline, settings, speed, seconds=seconds)), json=json)
