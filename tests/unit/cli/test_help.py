"""Every command explains itself."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lemof_stream.cli.main import PROGRAM as LEMOF
from simulators.cli.main import PROGRAM as LEMOF_SIM


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


app, sim = (program.app(program.commands) for program in (LEMOF, LEMOF_SIM))


@pytest.mark.parametrize("path", list(_commands(typer.main.get_command(app))), ids=" ".join)
def test_lemof_explains_every_command(path: tuple[str, ...]) -> None:
    assert "Usage: lemof" in _help(app, path)


@pytest.mark.parametrize("path", list(_commands(typer.main.get_command(sim))), ids=" ".join)
def test_lemof_sim_explains_every_command(path: tuple[str, ...]) -> None:
    assert "Usage: lemof-sim" in _help(sim, path)


def _help(root: typer.Typer, path: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(root, [*path, "--help"])
    assert shown.exit_code == 0, shown.output
    return shown.output
