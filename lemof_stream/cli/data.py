"""`lemof data`: what a folder of recordings holds."""

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lemof_stream.cli.plain import plain
from lemof_stream.cohorts import ReadReport, read_report

app = typer.Typer(help="Recordings: what a folder holds and what a reader makes of it.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Recordings: what a folder holds and what a reader makes of it."""


@app.command()
def check(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A data set as published, or an archive of it.")
    ],
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Say what a folder holds, what is kept, dropped, clipped and converted, and why."""
    report = read_report(folder)
    if json:
        typer.echo(report.model_dump_json())
        return
    console = Console()
    console.print(_summary(report))
    console.print(_table(report))


def _summary(report: ReadReport) -> str:
    known = {
        "length of stay known of {:,}": report.outcomes_length_of_stay,
        "death or survival of {:,}": report.outcomes_death,
        "targets of {:,} steps": report.step_targets,
    }
    told = [text.format(count) for text, count in known.items() if count] or ["no outcomes"]
    people = "" if report.people == report.stays else f" of {report.people:,} people"
    text = (
        f"[bold]{report.cohort}[/bold]: {report.stays:,} stays{people}; {', '.join(told)}.\n"
        f"{report.values:,} values read, {report.malformed:,} of them malformed and dropped."
    )
    if report.repeated_stays:
        text += f"\n{report.repeated_stays:,} stays are there more than once; read once."
    if report.other_files:
        text += f"\n{report.other_files:,} files hold nothing of the set; left out."
    return text


def _table(report: ReadReport) -> Table:
    caption = "merged: several values of a minute, kept as their mean"
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0), caption=caption)
    table.add_column("parameter", no_wrap=True)
    for column in ("read", "kept", "merged", "converted", "clipped"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("dropped")
    for name, counts in report.parameters.items():
        numbers = (counts.read, counts.kept, counts.collapsed, counts.converted, counts.clipped)
        dropped = "\n".join(f"{number:,} {reason}" for reason, number in counts.dropped.items())
        table.add_row(
            plain(name or "(empty)"), *(f"{number:,}" if number else "" for number in numbers), dropped
        )
    return table
