"""`lemof-sim replay`: a recorded cohort onto the topics."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from lemof_stream.cli.cohort_options import Data, folders
from lemof_stream.cli.options import Brokers, Config, Json
from lemof_stream.cohorts import Cohort, bidmc, read_cohort
from lemof_stream.errors import ConfigError
from lemof_stream.settings import load_settings
from simulators.cli.playback import play_recording, recording_named
from simulators.cli.playing import play, tell
from simulators.cli.score import scorer_of, tell_score
from simulators.control import control_place
from simulators.feed import Feed, chosen, timeline_of
from simulators.gateway import WaveformFeed
from simulators.replay import CohortFeed


def command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE", help="The cohort, such as physionet2012 or bidmc, or a file of `record`."
        ),
    ],
    data: Data = None,
    stays: Annotated[int | None, typer.Option(min=1, help="Only the first N stays.")] = None,
    stay: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this stay; may be repeated.")
    ] = None,
    speed: Annotated[
        str, typer.Option(metavar="X|max", help="Times real time, or as fast as possible.")
    ] = "max",
    start: Annotated[
        str, typer.Option(metavar="together|MIN", help="Admit all stays at once, or one every MIN minutes.")
    ] = "together",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same messages.")] = 0,
    disorder: Annotated[
        float, typer.Option(min=0, help="Hold messages back by up to S s of event time.")
    ] = 0,
    duplicates: Annotated[float, typer.Option(min=0, max=1, help="Send this share of messages twice.")] = 0,
    gaps: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out this share of each stay's monitoring.")
    ] = 0,
    gap_minutes: Annotated[int, typer.Option(min=1, help="Length of a stretch that --gaps leaves out.")] = 60,
    control: Annotated[
        str | None, typer.Option(metavar="127.0.0.1:PORT", help="Serve an API here that steers the replay.")
    ] = None,
    score: Annotated[
        bool, typer.Option("--score", help="Then score what the live system said, beside `lemof predict`.")
    ] = False,
    brokers: Brokers = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Play a recorded cohort onto the topics: vitals as windows, EHR items as events, at their event times.

    The first stay is admitted at 2100-01-01T00:00Z; each is discharged at the end of its last hour. Of bidmc, whose
    waveforms go through `lemof_stream.signals` every 60 seconds, a recording is a stay.

    GET and PATCH /replay of --control tell and change `paused`, `speed` (a number or "max") and `seek` (an event time);
    on a terminal keys do. Forward, what lies between is sent at once. Back, it is sent again: its windows are counted
    as duplicates, or as late where they lie more than 48 steps behind.

    Of a FILE the inputs are sent as they were recorded, keys, partitions, headers and timestamps included, at --speed
    times the recorded pace; the runner predicts anew. It takes --speed, --brokers, --config and --json alone.

    --score needs `lemof ehr`, `lemof run` with the cohort's checkpoint and, for PhysioNet 2012, `lemof ward`, and a
    folder with outcomes: AUROC (of durations the error) by hours observed, alerts per patient-day, and how long before
    the event the first alert came.
    """
    settings = load_settings(config, brokers=brokers)
    factor, start_min = _factor(speed), _start(start)
    if (recording := recording_named(name)) is not None:
        if start_min or any((data, stays, stay, seed, disorder, duplicates, gaps, control, score)):
            raise ConfigError(f"{name} is replayed as it was recorded; give no option but --speed with it.")
        play_recording(recording, factor, settings, json=json)
        return
    place = None if control is None else control_place(control)
    feed, cohort = _feed(name, folders(name, data, settings), stay or [], stays, start_min)
    scorer = None
    if score:
        if cohort is None:
            raise ConfigError(
                f"Recordings of {name} have no outcome to score predictions by; leave out --score."
            )
        scorer = scorer_of(cohort, settings)
    timeline = timeline_of(
        feed,
        disorder_s=disorder,
        duplicates=duplicates,
        gaps=gaps,
        gap_min=gap_minutes,
        seed=seed,
    )
    played = asyncio.run(play(timeline, settings, factor, place=place))
    if scorer is not None and played.complete:
        tell_score(scorer, played, json=json)
    else:
        tell(played, json=json)
    if not played.complete:
        typer.echo("lemof-sim: the replay was stopped before its end.", err=True)
        raise typer.Exit(1)


def _feed(
    name: str, paths: list[Path], named: list[str], first: int | None, start_min: int
) -> tuple[Feed, Cohort | None]:
    """The stays of a folder that are to be replayed; as a cohort, where they are one."""
    if name == bidmc.NAME:
        recordings = bidmc.read(*paths).recordings
        rows = chosen([own.record for own in recordings], named, first)
        return WaveformFeed([recordings[row] for row in rows], start_min), None
    cohort = read_cohort(name, *paths)
    cohort = cohort.take(chosen(cohort.stay_ids, named, first))
    return CohortFeed(cohort, start_min), cohort


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


def _start(start: str) -> int:
    """Minutes between two admissions; 0 for `together`.

    Raises:
        ConfigError: it is neither `together` nor a whole number.
    """
    if start == "together":
        return 0
    if not start.isdecimal():
        raise ConfigError(
            f"--start {start} is no start; write together, or whole minutes between admissions."
        )
    return int(start)
