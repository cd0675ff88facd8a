"""`lemof`: one module per group of commands."""

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Final

import typer

from lemof_stream.errors import LemofError

_COMMANDS: Final = (
    "demo", "run", "model", "ehr", "ward", "board", "subscribe", "audit", "dlq", "train", "search", "predict",
    "evaluate", "experiments", "signals", "bench", "data", "broker", "topics",
)  # fmt: skip
"""Modules of this package, in the order of the help. Each has a `command`, or an `app` that groups several."""

app = typer.Typer(
    name="lemof",
    help="Bedside predictions from streams of vital signs and EHR events. Research use, not a medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command: exit 0 done, 2 wrong usage or input (one sentence), 1 anything else."""
    asked = sys.argv[1:2]
    # One command needs one module: together they take two seconds to import.
    register(app, asked if set(asked) <= set(_COMMANDS) and asked else _COMMANDS)
    try:
        app()
    except LemofError as error:
        typer.echo(f"lemof: {error}", err=True)
        sys.exit(2)


def register(root: typer.Typer, names: Iterable[str] = _COMMANDS) -> None:
    """Add these commands."""

    @root.callback()
    def _group() -> None:
        """Keeps a single command a command of its own name."""

    for name in names:
        module = import_module(f"lemof_stream.cli.{name}")
        if hasattr(module, "app"):
            root.add_typer(module.app, name=name)
        else:
            root.command(name)(module.command)
