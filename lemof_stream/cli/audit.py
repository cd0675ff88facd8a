"""`lemof audit`: is every window accounted for?"""

import asyncio

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lemof_stream.cli.options import Brokers, Config, Group, Json
from lemof_stream.settings import load_settings
from lemof_stream.worker.audit import Audit, Balance, audit


def command(brokers: Brokers = None, config: Config = None, group: Group = None, json: Json = False) -> None:
    """Walk the ledger against the input's offsets and the dead letters; exit status 1 if it does not balance."""
    settings = load_settings(config, brokers=brokers, group=group)
    result = asyncio.run(audit(settings.brokers, settings.group))
    if json:
        typer.echo(result.model_dump_json())
    else:
        _tell(result)
    if not result.balanced:
        raise typer.Exit(1)


def _tell(result: Audit) -> None:
    table = Table(box=box.SIMPLE)
    columns = ("received", "predicted", "duplicate", "late", "rejected", "pending")
    for column in ("partition", *columns):
        table.add_column(column, justify="right")
    rows: dict[str, Balance] = {str(number): balance for number, balance in result.partitions.items()}
    for name, balance in (rows | {"all": result}).items():
        table.add_row(name, *(f"{getattr(balance, column):,}" for column in columns))
    console = Console()
    console.print(table)
    for problem in result.problems:
        console.print(problem, markup=False)
    console.print(
        f"{result.group}: " + ("balanced." if result.balanced else "does not balance."), markup=False
    )
