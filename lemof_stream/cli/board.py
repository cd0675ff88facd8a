"""`lemof board`: the ward board."""

import asyncio
from typing import Annotated

import typer

from lemof_stream.cli.options import Brokers, Config
from lemof_stream.settings import load_settings
from lemof_stream.stopping import on_stop


def command(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Where to listen. (LEMOF_BOARD_PORT, else 8400)")
    ] = None,
    brokers: Brokers = None,
    config: Config = None,
) -> None:
    """Serve the ward board until stopped."""
    from lemof_stream.board.server import run_board

    settings = load_settings(config, brokers=brokers, board_port=port)

    async def serve() -> None:
        serving = asyncio.current_task()
        assert serving is not None
        on_stop(serving.cancel)
        try:
            await run_board(settings)
        except asyncio.CancelledError:
            return

    asyncio.run(serve())
