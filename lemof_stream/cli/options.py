"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Brokers = Annotated[
    str | None,
    typer.Option("--brokers", metavar="HOST:PORT", help="Kafka to use. (LEMOF_BROKERS, else 127.0.0.1:9092)"),
]
Group = Annotated[
    str | None,
    typer.Option("--group", metavar="NAME", help="The runner's group. (LEMOF_GROUP, else lemof-runner)"),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="A TOML file of settings; environment and flags win."),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object on standard output and nothing else there.")
]
