"""What the commands that play a timeline share."""

import asyncio
from contextlib import AsyncExitStack

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lemof_stream.listening import listening
from lemof_stream.settings import Settings
from lemof_stream.stopping import on_stop
from lemof_stream.telemetry.pseudonyms import use_key
from lemof_stream.telemetry.tracing import tracer_from_environment
from simulators.control import REFUSAL, control
from simulators.keys import HELP, keys
from simulators.play import Played, Player
from simulators.sender import open_sender
from simulators.timeline import Timeline


async def play(
    timeline: Timeline,
    settings: Settings,
    speed: float | None,
    *,
    seconds: float | None = None,
    place: tuple[str, int] | None = None,
) -> Played:
    """Play until the end, a signal, or for `seconds`; what was begun is delivered in each case.

    Where a timeline can go back, keys steer it, and an API at `place`.
    """
    use_key(settings.pseudonym_key)  # of the stays in spans
    tracer = tracer_from_environment("lemof-sim", head=True)
    async with AsyncExitStack() as stack:
        sender = await stack.enter_async_context(open_sender(settings.brokers, tracer))
        player = Player(timeline, sender, speed)
        on_stop(player.stop)
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, player.stop)
        if place is not None:
            address = await stack.enter_async_context(listening(control(player), *place, REFUSAL))
            typer.echo(f"Control: {address}/replay", err=True)
        if timeline.moments_from is not None and stack.enter_context(keys(player)):
            typer.echo(f"Keys: {HELP}.", err=True)
        bar = stack.enter_context(_progress())
        task = bar.add_task("messages", total=timeline.messages or None)
        return await player.play(lambda count: bar.update(task, advance=count, description=_line(player)))


def tell(played: Played, *, json: bool) -> None:
    """What was sent, and how fast."""
    if json:
        typer.echo(played.model_dump_json())
        return
    typer.echo(
        f"{played.stays:,} stays: {played.windows:,} windows and {played.events:,} EHR events in "
        f"{played.seconds:,.1f} s, {played.speed_up:,.0f} times real time."
    )


def _line(player: Player) -> str:
    how = "paused" if player.paused else "max" if player.speed is None else f"{player.speed:g}x"
    return f"{player.position().at:%Y-%m-%d %H:%M} {how}"


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
