"""`lemof predict`: offline predictions of a cohort."""

from pathlib import Path
from typing import Annotated

import typer

from lemof_stream.cli.cohort_options import CheckpointPath, CohortName, Data, folders
from lemof_stream.settings import load_settings


def command(
    cohort: CohortName,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.parquet", help="Where the predictions go.")],
    data: Data = None,
    checkpoint: CheckpointPath = None,
) -> None:
    """Predict every step of every recorded stay, with the code that serves the bedside."""
    from lemof_stream.cohorts import read_cohort
    from lemof_stream.model import load_for_cohort
    from lemof_stream.training.predict import one_thread, predict, write_predictions

    recorded = folders(cohort, data, load_settings())
    one_thread()
    predictor = load_for_cohort(cohort, checkpoint)
    table = predict(predictor, read_cohort(cohort, *recorded))
    write_predictions(table, out)
    typer.echo(
        f"{table.num_rows:,} predictions of {predictor.info.name} {predictor.info.version} in {out}", err=True
    )
