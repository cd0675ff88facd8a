"""`lemof`: one module per group of commands."""

import sys

import typer

from lemof_stream.errors import LemofError

app = typer.Typer(
    name="lemof",
    help="Bedside predictions from streams of vital signs and EHR events. Research use, not a medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command: exit 0 done, 2 wrong usage or input (one sentence), 1 anything else."""
    register(app)
    try:
        app()
    except LemofError as error:
        typer.echo(f"lemof: {error}", err=True)
        sys.exit(2)


def register(root: typer.Typer) -> None:
    """Add every command, in the order of the help."""
    from lemof_stream.cli import (
        audit,
        board,
        broker,
        data,
        demo,
        dlq,
        ehr,
        evaluate,
        predict,
        run,
        subscribe,
        topics,
        train,
        ward,
    )

    for name, group in (("broker", broker), ("topics", topics), ("dlq", dlq), ("data", data)):
        root.add_typer(group.app, name=name)
    for module in (demo, run, ehr, ward, board, subscribe, audit, train, predict, evaluate):
        root.command(module.__name__.rpartition(".")[2])(module.command)
