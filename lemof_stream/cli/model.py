"""`lemof model`: which checkpoint the runners of a group run."""

import asyncio
import json as encode
from pathlib import Path
from typing import Annotated, Any

import typer

from lemof_stream.cli.options import Brokers, Config, Group, Json
from lemof_stream.cli.plain import printable
from lemof_stream.contracts.models import ChosenModel
from lemof_stream.settings import Settings, load_settings
from lemof_stream.worker.chosen import choose, chosen, in_charge, roll_back

app = typer.Typer(
    help="The model that a group of runners runs: choose another, go back.", no_args_is_help=True
)

_STARTED_WITH = "the one that each runner was started with"


@app.command()
def use(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="A checkpoint folder, or the cohort of one in the package.")
    ],
    brokers: Brokers = None,
    config: Config = None,
    group: Group = None,
) -> None:
    """Have every runner of the group go on with this checkpoint, from its next cycle on.

    Each loads the folder from its own disk; the one in charge goes on where that fails.
    """
    settings = load_settings(config, brokers=brokers, group=group)
    wanted = _checked(folder)
    asyncio.run(choose(settings.brokers, settings.group, wanted))
    typer.echo(f"{settings.group}: {_title(wanted)}. {_follow_up(settings)}")


@app.command()
def rollback(brokers: Brokers = None, config: Config = None, group: Group = None) -> None:
    """Go back to what was chosen before; a second time undoes that."""
    settings = load_settings(config, brokers=brokers, group=group)
    record = asyncio.run(roll_back(settings.brokers, settings.group))
    typer.echo(f"{settings.group}: {_title(record.current)}. {_follow_up(settings)}")


@app.command()
def show(brokers: Brokers = None, config: Config = None, group: Group = None, json: Json = False) -> None:
    """What was chosen for the group, and what its last transaction in each partition was computed with."""
    settings = load_settings(config, brokers=brokers, group=group)
    facts = asyncio.run(_facts(settings))
    if json:
        typer.echo(encode.dumps(facts))
        return
    for name in ("current", "previous"):
        choice = facts[name]
        title = _STARTED_WITH if choice is None else f"{_named(choice)} in {choice['folder']}"
        typer.echo(f"{name + ':':13}{printable(title)}")
    typer.echo(f"{'chosen at:':13}{facts['chosen_at'] or 'never'}")
    for partition, model in facts["partitions"].items():
        typer.echo(
            f"{f'partition {partition}:':13}{'not known' if model is None else printable(_named(model))}"
        )


def _checked(folder: str) -> ChosenModel:
    """Load it, as a runner will: a folder that is there becomes an absolute path."""
    from lemof_stream.model.checkpoint import load_checkpoint  # torch takes seconds to import

    predictor = load_checkpoint(Path(folder))
    path = Path(folder)
    return ChosenModel(
        folder=str(path.resolve()) if path.exists() else folder,
        model=predictor.info,
        inputs_sha256=predictor.schema.sha256,
    )


async def _facts(settings: Settings) -> dict[str, Any]:
    record = await chosen(settings.brokers, settings.group)
    entries = await in_charge(settings.brokers, settings.group)
    return {
        "group": settings.group,
        "current": None if record is None else _choice(record.current),
        "previous": None if record is None else _choice(record.previous),
        "chosen_at": None if record is None else record.chosen_at.isoformat(timespec="seconds"),
        "partitions": {
            str(partition): None if entry.model is None else entry.model.model_dump()
            for partition, entry in entries.items()
        },
    }


def _choice(choice: ChosenModel | None) -> dict[str, str] | None:
    return None if choice is None else {"folder": choice.folder, **choice.model.model_dump()}


def _title(choice: ChosenModel | None) -> str:
    return _STARTED_WITH if choice is None else _named(choice.model.model_dump())


def _named(model: dict[str, str]) -> str:
    return f"{model['name']} {model['version']}"


def _follow_up(settings: Settings) -> str:
    return f"`lemof model show --group {settings.group}` tells which partitions have it in charge."
