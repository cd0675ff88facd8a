"""`lemof bench`: the figures of the performance goals."""

import json as json_format

import typer

from lemof_stream.cli.cohort_options import CheckpointPath
from lemof_stream.cli.options import Json

app = typer.Typer(help="Measure what the parts cost; every ratio is of one run.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps a single command a command of its own name."""


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
