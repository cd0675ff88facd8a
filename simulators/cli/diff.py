"""`lemof-sim diff`: do two recordings agree on their predictions?"""

from pathlib import Path
from typing import Annotated

import typer

from lemof_stream.cli.options import Json
from simulators.cli.playback import open_recording
from simulators.diff import TOLERANCE, Comparison, Disagreement, compare

File = Annotated[Path, typer.Argument(help="A file of `lemof-sim record`.")]


def command(
    a: File,
    b: File,
    tolerance: Annotated[float, typer.Option(min=0, help="How far values may be apart.")] = TOLERANCE,
    json: Json = False,
) -> None:
    """Compare the last revision of each stay and step of two recordings; exit status 1 if they do not agree."""
    found = compare(open_recording(a), open_recording(b), tolerance)
    if json:
        typer.echo(found.model_dump_json())
    else:
        _tell(found)
    if not found.agree:
        raise typer.Exit(1)


def _tell(found: Comparison) -> None:
    for disagreement in found.examples:
        typer.echo(_line(disagreement))
    if found.differing > len(found.examples):
        typer.echo(f"... and {found.differing - len(found.examples):,} more")
    if found.models[0] != found.models[1]:
        typer.echo(f"predicted by {', '.join(found.models[0])} in A and {', '.join(found.models[1])} in B")
    typer.echo(
        f"{'They agree' if found.agree else 'They do NOT agree'}: {found.compared:,} steps in both, of which "
        f"{found.differing:,} differ; {found.missing_in_a:,} missing in A, {found.missing_in_b:,} in B; "
        f"values apart by {found.max_difference:.1e} at most (tolerance {found.tolerance:g})."
    )


def _line(found: Disagreement) -> str:
    what = f"{found.column} apart by {found.difference:.1e}"
    if found.difference is None:
        a, b = found.kinds
        what = f"{a} in A and {b} in B" if a != b else "other columns"
    return f"{found.stay_id}, minute {found.step_end_min}: {what}"
