"""`lemof demo`: a live ward on this machine."""

from typing import Annotated

import typer


def command(
    seconds: Annotated[
        int | None, typer.Option("--seconds", min=1, help="Stop after this long and say what flowed.")
    ] = None,
) -> None:
    """Start Kafka, the EHR app, a runner, the ward app, 12 simulated beds and the board; Ctrl-C stops all of it."""
    from lemof_stream.cli.demo.live import run

    raise typer.Exit(run(seconds))
