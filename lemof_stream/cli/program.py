"""A program whose commands are modules of one package: only the one that is asked for is imported."""

import sys
from dataclasses import dataclass
from importlib import import_module

import typer

from lemof_stream.errors import LemofError


@dataclass(frozen=True)
class Program:
    """`commands`: modules of the package in the order of the help, each with a `command`, or an `app` that groups
    several.
    """

    name: str
    about: str
    package: str
    commands: tuple[str, ...]

    def run(self) -> None:
        """Run a command: exit 0 done, 2 wrong usage or input (one sentence), 1 anything else."""
        asked = tuple(sys.argv[1:2])
        # One command needs one module: together they take seconds to import.
        app = self.app(asked if asked and asked[0] in self.commands else self.commands)
        try:
            app()
        except LemofError as error:
            typer.echo(f"{self.name}: {error}", err=True)
            sys.exit(2)

    def app(self, commands: tuple[str, ...]) -> typer.Typer:
        """The program with these commands."""
        app = typer.Typer(
            name=self.name, help=self.about, no_args_is_help=True, pretty_exceptions_enable=False
        )

        @app.callback()
        def _group() -> None:
            """Keeps a single command a command of its own name."""

        for name in commands:
            module = import_module(f"{self.package}.{name}")
            if hasattr(module, "app"):
                app.add_typer(module.app, name=name)
            else:
                app.command(name)(module.command)
        return app
