"""`lemof predict`: offline predictions of a cohort."""

from pathlib import Path
from typing import Annotated

import typer

from lemof_stream.cli.cohort_options import CheckpointPath, CohortName, Data


def command(
    cohort: CohortName,
    data: Data,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.parquet", help="Where the predictions go.")],
    checkpoint: CheckpointPath = None,
) -> None:
    """Predict every step of every recorded stay, with the code that serves the bedside."""
    from lemof_stream.cohorts import read_cohort
    from lemof_stream.model import load_checkpoint
    from lemof_stream.training.predict import one_thread, predict, write_predictions

    one_thread()
    predictor = load_checkpoint(checkpoint)
    table = predict(predictor, read_cohort(cohort, *data))
    write_predictions(table, out)
    typer.echo(
        f"{table.num_rows:,} predictions of {predictor.info.name} {predictor.info.version} in {out}", err=True
    )
