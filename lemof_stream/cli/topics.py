"""`lemof topics`: the topic catalogue on a Kafka."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer

from lemof_stream.broker.admin import check_topics, create_topics
from lemof_stream.cli.options import Brokers, Config
from lemof_stream.contracts.topics import TOPICS
from lemof_stream.errors import BrokerError
from lemof_stream.settings import Settings, load_settings

app = typer.Typer(help="The topics: which there are and how they are kept.", no_args_is_help=True)

Partitions = Annotated[
    int | None,
    typer.Option("--partitions", metavar="N", help="Partitions of every topic. (LEMOF_PARTITIONS, else 4)"),
]
Replication = Annotated[
    int | None,
    typer.Option("--replication", metavar="N", help="Copies of every topic. (LEMOF_REPLICATION, else 1)"),
]


def _command(act: Callable[[Settings], None]) -> Callable[[Settings], None]:
    """Make `act` a command with the options that all of them have."""

    def command(
        brokers: Brokers = None,
        config: Config = None,
        partitions: Partitions = None,
        replication: Replication = None,
    ) -> None:
        act(load_settings(config, brokers=brokers, partitions=partitions, replication=replication))

    app.command(act.__name__, help=act.__doc__)(command)
    return act


@_command
def create(settings: Settings) -> None:
    """Create the topics that are missing; those that are there stay as they are, and are checked."""
    created = asyncio.run(create_topics(settings.brokers, settings.partitions, settings.replication))
    for name in created:
        typer.echo(f"created {name}")
    _report_differences(settings)
    typer.echo(f"{len(created)} created, {len(TOPICS) - len(created)} there before.")


@_command
def check(settings: Settings) -> None:
    """Say by topic where a Kafka differs from the catalogue; exit status 2 if it does."""
    _report_differences(settings)
    typer.echo(f"All {len(TOPICS)} topics are as the catalogue has them.")


def _report_differences(settings: Settings) -> None:
    differences = asyncio.run(check_topics(settings.brokers, settings.partitions, settings.replication))
    for difference in differences:
        typer.echo(str(difference))
    if differences:
        raise BrokerError(
            f"The topics at {settings.brokers} differ from the catalogue in {len(differences)} points, listed above: "
            "create what is missing with `lemof topics create`, change settings with Kafka's tools, or name the "
            "partitions and replicas that are meant."
        )
