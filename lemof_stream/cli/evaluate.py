"""`lemof evaluate`: scores of a checkpoint on a cohort."""

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lemof_stream.cli.cohort_options import CheckpointPath, CohortName, Data, folders
from lemof_stream.cli.options import Json
from lemof_stream.cli.plain import plain
from lemof_stream.settings import load_settings


def command(
    cohort: CohortName,
    data: Data = None,
    checkpoint: CheckpointPath = None,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write reliability.png, by_hour.png and subgroups.png there."),
    ] = None,
    json: Json = False,
) -> None:
    """Score a checkpoint by hours observed, with 95% bootstrap intervals over people."""
    from lemof_stream.cohorts import read_cohort
    from lemof_stream.model import load_for_cohort
    from lemof_stream.plotting import load_matplotlib
    from lemof_stream.training.evaluate import evaluate
    from lemof_stream.training.predict import one_thread, predict
    from lemof_stream.training.scores.figures import write_figures

    if figures is not None:
        load_matplotlib()  # before minutes of work
    recorded = folders(cohort, data, load_settings())
    one_thread()
    predictor = load_for_cohort(cohort, checkpoint)
    stays = read_cohort(cohort, *recorded)
    scores = {
        "model": predictor.info.model_dump(),
        "trained_on": predictor.card["data"],
        **evaluate(predict(predictor, stays), stays, predictor.card.get("threshold")),
    }
    if figures is not None:
        write_figures(scores, figures)
    if json:
        typer.echo(json_format.dumps(scores))
        return
    Console().print(_table(scores))


def _table(scores: dict[str, Any]) -> Table:
    model = scores["model"]
    table = Table(
        title=plain(f"{model['name']} {model['version']} on {scores['stays']:,} stays of {scores['cohort']}"),
        caption="95% bootstrap intervals over people; recorded: a value in the last 6 hours",
        box=box.SIMPLE,
    )
    for name in ("hours", "rows", "task", "AUROC / MAE", "AUPRC / inside 80%", "ECE / R2"):
        table.add_column(name, no_wrap=True)
    parts = {"every": {"all": scores["overall"]}} if "overall" in scores else {}
    for hour, groups in (parts | scores["hours"]).items():
        for group, tasks in groups.items():
            for task, block in tasks.items():
                if isinstance(block, dict):
                    names = ("auroc", "auprc", "ece") if "auroc" in block else ("mae", "coverage", "r2")
                    table.add_row(hour, group, task, *(_cell(block[name]) for name in names))
    if "threshold" in scores:
        utility = scores["overall"]["sepsis"]["utility"]
        table.add_row("every", "all", "utility", _cell(utility), f"alarm from {scores['threshold']}", "")
    return table


def _cell(estimate: dict[str, float | None]) -> str:
    if estimate["value"] is None:
        return "-"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"
