"""`lemof evaluate`: scores of a checkpoint on a cohort."""

import json as json_format
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lemof_stream.cli.cohort_options import CheckpointPath, CohortName, Data, folders
from lemof_stream.cli.options import Json
from lemof_stream.cli.plain import plain
from lemof_stream.settings import load_settings


def command(
    cohort: CohortName, data: Data = None, checkpoint: CheckpointPath = None, json: Json = False
) -> None:
    """Score a checkpoint by hours observed, with 95% bootstrap intervals."""
    from lemof_stream.cohorts import read_cohort
    from lemof_stream.model import load_for_cohort
    from lemof_stream.training.evaluate import evaluate
    from lemof_stream.training.predict import one_thread, predict

    recorded = folders(cohort, data, load_settings())
    one_thread()
    predictor = load_for_cohort(cohort, checkpoint)
    stays = read_cohort(cohort, *recorded)
    scores = {
        "model": predictor.info.model_dump(),
        "trained_on": predictor.card["data"],
        **evaluate(predict(predictor, stays), stays),
    }
    if json:
        typer.echo(json_format.dumps(scores))
        return
    Console().print(_table(scores))


def _table(scores: dict[str, Any]) -> Table:
    model = scores["model"]
    table = Table(
        title=plain(f"{model['name']} {model['version']} on {scores['stays']:,} stays of {scores['cohort']}"),
        caption="95% bootstrap intervals over stays; recorded: a value in the last 6 hours",
        box=box.SIMPLE,
    )
    for name in ("hours", "stays", "task", "AUROC", "AUPRC", "ECE"):
        table.add_column(name, no_wrap=True)
    for hour, groups in scores["hours"].items():
        for group, tasks in groups.items():
            for task in ("death", "los_gt_3", "los_gt_7", "los_gt_14"):
                cells = (_cell(tasks[task][score]) for score in ("auroc", "auprc", "ece"))
                table.add_row(hour, group, task, *cells)
            days = tasks["los_days"]
            table.add_row(
                hour, group, "los_days", f"MAE {_cell(days['mae'])}", f"inside {_cell(days['coverage'])}", ""
            )
    return table


def _cell(estimate: dict[str, float | None]) -> str:
    if estimate["value"] is None:
        return "-"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"
