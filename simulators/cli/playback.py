"""`lemof-sim replay FILE`: a recording, back onto the topics."""

import asyncio
from pathlib import Path

import typer

from lemof_stream.cohorts import COHORTS
from lemof_stream.settings import Settings
from lemof_stream.stopping import on_stop
from simulators.playback import Playback, PlayedBack
from simulators.recording import Recording
from simulators.sender import open_sender


def recording_named(name: str) -> Path | None:
    """The file that the NAME of `replay` means; None where it is a cohort's."""
    path = Path(name)
    return path if name not in COHORTS and (path.suffix or len(path.parts) > 1 or path.is_file()) else None


def open_recording(path: Path) -> Recording:
    """The recording in a file; says so where it is broken off.

    Raises:
        DataError: it cannot be read.
    """
    recording = Recording(path)
    if recording.broken_off:
        typer.echo(f"lemof-sim: {path} is broken off; what it holds up to there is whole.", err=True)
    return recording


def play_recording(path: Path, speed: float | None, settings: Settings, *, json: bool) -> None:
    """Play a recording, and tell what was sent; exit status 1 where it was stopped before its end."""
    played = asyncio.run(_play(Playback(open_recording(path), speed), settings.brokers))
    if json:
        typer.echo(played.model_dump_json())
    else:
        sent, kept = _listed(played.records), _listed(played.left_out)
        typer.echo(f"{sent}, in {played.seconds:,.1f} s, {played.speed_up:,.1f} times the recorded pace.")
        if kept:
            typer.echo(f"Not sent, as they are what a ward puts out: {kept}.")
    if not played.complete:
        typer.echo("lemof-sim: the replay was stopped before its end.", err=True)
        raise typer.Exit(1)


async def _play(playback: Playback, brokers: str) -> PlayedBack:
    await playback.check(brokers)
    async with open_sender(brokers) as sender:
        on_stop(playback.stop)
        return await playback.play(sender)


def _listed(records: dict[str, int]) -> str:
    return ", ".join(f"{count:,} of {topic}" for topic, count in records.items())
