"""`lemof bench`: the figures of the performance goals."""

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import typer

from lemof_stream.cli.cohort_options import CheckpointPath
from lemof_stream.cli.options import Json

app = typer.Typer(help="Measure what the parts cost; every ratio is of one run.", no_args_is_help=True)


@app.command()
def model(checkpoint: CheckpointPath = None, json: Json = False) -> None:
    """Time one step of 1,024 beds on one thread, against computing it again from all steps."""
    from lemof_stream.model import load_checkpoint
    from lemof_stream.model.bench import measure

    found = measure(load_checkpoint(checkpoint).model)
    if json:
        typer.echo(json_format.dumps(found))
        return
    typer.echo(f"{'difference of step and whole stay':<36}{found['parity_max_abs']:.1e}")
    typer.echo(
        f"{'one step':<36}{found['step_us']:.1f} µs a bed, {found['steps_per_s']:,} beds a second "
        f"(batch {found['batch']:,}, {found['threads']} thread)"
    )
    for row in found["by_window"]:
        typer.echo(
            f"{'after ' + str(row['steps']) + ' steps':<36}{row['step_us']:.1f} µs; all steps again "
            f"{row['recompute_us']:,.1f} µs, {row['speedup']:.1f} times as long"
        )
    for name, taken in found["profile_us"].items():
        typer.echo(f"  {name:<34}{taken:.1f} µs")


@app.command()
def engine(
    beds: Annotated[
        int, typer.Option("--beds", min=10, help="Beds of the throughput, and of the latency curve.")
    ] = 10_000,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, help="Of each measurement; fewer say less, sooner.")
    ] = 20,
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE.png", help="Draw latency by load.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure `lemof run` on a Kafka of its own: throughput beside a copy loop, Faust, Quix Streams; latency; memory.

    Takes some ten minutes and 5 GB of memory, on a machine that does nothing else.
    """
    from lemof_stream.plotting import load_matplotlib
    from lemof_stream.worker.bench.engine import measure
    from lemof_stream.worker.bench.figure import draw

    if figure is not None:
        load_matplotlib()  # says that it is missing before, not after
    found = measure(beds, seconds, lambda text: typer.echo(text, err=True))
    if figure is not None:
        draw(found, figure)
    typer.echo(json_format.dumps(found) if json else "\n".join(_engine_lines(found)))


def _engine_lines(found: dict[str, Any]) -> list[str]:
    told = {
        "windows a second, exactly once": f"{found['windows_per_s']:,} ({found['beds']:,} beds, one process, "
        f"{found['windows_a_prediction']:.1f} windows of a bed a prediction)",
        "bare copy": f"{found['bare_copy_windows_per_s']:,}, {found['ratio_bare_copy']:.0%} of it",
        "Faust, at least once": f"{found['faust_windows_per_s']:,}, {found['ratio_faust']:,.0f} times as many",
        "Quix Streams, exactly once": f"{found['quix_windows_per_s']:,}, {found['ratio_quix']:,.0f} times as many",
        "memory": f"{found['bytes_per_bed'] / 1e3:,.0f} kB a bed",
        "memory over an hour and a half": " ".join(
            f"{held / 1e6:,.0f}" for held in found["soak_bytes"].values()
        )
        + f" MB ({found['soak_beds']:,} beds)",
    }
    for guarantee, own in found["latency_ms"].items():
        told[f"latency, {guarantee.replace('_', ' ')}"] = _latency(own)
    for own in found["latency_curve"]:
        told[f"  at {own['windows_per_s']:,.0f} a second"] = _latency(own)
    return [f"{name:<36}{value}" for name, value in told.items()]


def _latency(own: dict[str, Any]) -> str:
    return f"p50 {own['p50']:.0f} ms, p99 {own['p99']:.0f} ms{', saturated' if own['saturated'] else ''}"
