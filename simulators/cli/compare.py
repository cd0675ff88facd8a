"""`lemof-sim compare`: how alike the simulated ward and recorded stays are."""

from typing import Annotated, Final

import typer

from lemof_stream.cli.cohort_options import Data, folders
from lemof_stream.cli.options import Config, Json
from lemof_stream.cohorts import physionet2012, read_cohort
from lemof_stream.settings import load_settings
from simulators.compare import compare, markdown

_HOURS: Final = 48  # what a recording of PhysioNet 2012 holds


def command(
    data: Data = None,
    beds: Annotated[int, typer.Option(min=1, help="Simulated stays.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same ward.")] = 0,
    config: Config = None,
    json: Json = False,
) -> None:
    """Put a simulated ward beside PhysioNet 2012: medians, correlation over an hour, gaps and artefacts by channel.

    Needs no Kafka. 400 stays take about a minute.
    """
    paths = folders(physionet2012.NAME, data, load_settings(config))
    found = compare(read_cohort(physionet2012.NAME, *paths), beds, _HOURS, seed)
    options = " ".join(["--data DIR", f"--beds {beds}", f"--seed {seed}"])
    typer.echo(found.model_dump_json() if json else markdown(found, f"lemof-sim compare {options}"))
