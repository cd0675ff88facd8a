"""`lemof-sim faults`: does a ward with faults end with every window accounted for and the right predictions?"""

import json as encode
from collections.abc import Mapping
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lemof_stream.cli.options import Json
from simulators.faults.scenario import Scenario, load, shipped

_LIST = "list"


def command(
    scenario: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO|list", help="A TOML file, or one of those that ship, which `list` shows."
        ),
    ],
    json: Json = False,
) -> None:
    """Run a ward of its own with faults, and hold what comes of it against what has to.

    Starts a Kafka, the EHR app and runners, plays simulated beds with the scenario's faults and waits until all is
    taken. Exits 0 when every window is accounted for, counts and dead letters are as the faults imply, and final
    predictions are those of a run without them (or, where messages were lost or changed, on what came through); else 1.
    """
    if scenario == _LIST:
        found = shipped()
        if json:
            typer.echo(encode.dumps({name: shown.about for name, shown in found.items()}))
        else:
            _show(found)
        return
    loaded = load(scenario)
    # The runner brings torch, which takes seconds that a scenario which does not fit should not cost.
    from simulators.faults.run import InterruptedRunError, run
    from simulators.faults.table import show_report

    try:
        report = run(scenario, loaded, lambda text: typer.echo(text, err=True))
    except InterruptedRunError:
        typer.echo("Stopped before the end: nothing was judged.", err=True)
        raise typer.Exit(1) from None
    if json:
        typer.echo(report.model_dump_json())
    else:
        show_report(report)
    if not report.held:
        raise typer.Exit(1)


def _show(scenarios: Mapping[str, Scenario]) -> None:
    table = Table(box=box.SIMPLE)
    for column in ("scenario", "about", "faults"):
        table.add_column(column, no_wrap=column == "scenario")
    for name, scenario in scenarios.items():
        table.add_row(name, scenario.about, ", ".join(dict.fromkeys(fault.kind for fault in scenario.faults)))
    Console().print(table)
