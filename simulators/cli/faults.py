"""`lemof-sim faults`: does a ward with faults end with every window accounted for and the right predictions?"""

import json as encode
from typing import Annotated

import typer

from lemof_stream.cli.options import Json

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
    # The runner brings torch, which takes seconds that `--help` should not.
    from simulators.faults.run import InterruptedRunError, run
    from simulators.faults.scenario import load, shipped
    from simulators.faults.table import show_report, show_scenarios

    if scenario == _LIST:
        found = shipped()
        if json:
            typer.echo(encode.dumps({name: shown.about for name, shown in found.items()}))
        else:
            show_scenarios(found)
        return
    loaded = load(scenario)
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
