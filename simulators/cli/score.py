"""`lemof-sim replay NAME --score`: what the live system scored, as tables or JSON."""

import asyncio
import json as json_format
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lemof_stream.cli.plain import plain
from lemof_stream.cohorts import Cohort
from lemof_stream.settings import Settings
from simulators.play import Played

if TYPE_CHECKING:  # PyTorch takes seconds, and only --score needs it
    from simulators.alarms import AlarmScore
    from simulators.score import Score, Scorer, Uncertain


def scorer_of(cohort: Cohort, settings: Settings) -> "Scorer":
    """What scores the cohort, once it is sure that it can: made before the replay.

    Raises:
        DataError: the folder holds no outcomes.
        BrokerError: no Kafka answers, or a process that is needed does not run.
    """
    from simulators.score import Scorer

    scorer = Scorer(cohort, settings)
    asyncio.run(scorer.check())
    return scorer


def tell_score(scorer: "Scorer", played: Played, *, json: bool) -> None:
    """Wait for the live predictions and print their scores; as JSON in one object with what was played.

    Raises:
        BrokerError: the predictions do not come.
        ConfigError: they are another model's.
    """
    typer.echo("lemof-sim: waiting for the predictions of every stay.", err=True)
    score = asyncio.run(scorer.score())
    if json:
        typer.echo(json_format.dumps(played.model_dump() | {"score": score.model_dump()}))
    else:
        _show(score)


def _show(score: "Score") -> None:
    console = Console()
    console.print(_figures(score))
    if score.alarms_live is not None and score.alarms_offline is not None:
        console.print(_alarms(score, score.alarms_live, score.alarms_offline))
    console.print(
        f"{score.steps_live:,} of {score.steps_offline:,} steps live, apart from the offline predictions by "
        f"{score.max_difference:.1e} at most. Live: {', '.join(score.models_live)}; offline: {score.model_offline}.",
        markup=False,
    )


def _figures(score: "Score") -> Table:
    table = Table(
        title=plain(f"{score.stays:,} stays of {score.cohort}, live and offline"),
        caption="95% bootstrap intervals over people",
        box=box.SIMPLE,
    )
    for name in ("hours", "task", "rows", "score", "live", "offline"):
        table.add_column(name, no_wrap=True)
    for figure in score.figures:
        cells = (_cell(figure.live), _cell(figure.offline))
        table.add_row(figure.hours, figure.task, f"{figure.rows:,}", figure.score.upper(), *cells)
    return table


def _cell(found: "Uncertain") -> str:
    if found.value is None:
        return "-"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _alarms(score: "Score", live: "AlarmScore", offline: "AlarmScore") -> Table:
    table = Table(
        title="alerts", caption=plain(f"{score.alert_rule}; the event: {score.event}"), box=box.SIMPLE
    )
    for name in ("", "live", "offline"):
        table.add_column(name)
    for name, cell in _ALARMS.items():
        table.add_row(name, cell(live), cell(offline))
    return table


def _burden(alarms: "AlarmScore") -> str:
    return f"{alarms.per_patient_day:.3f} ({alarms.alerts:,} in {alarms.patient_days:,.1f} days)"


def _foreseen(alarms: "AlarmScore") -> str:
    return _share(alarms.alerted_before, alarms.events, alarms.sensitivity)


def _lead(alarms: "AlarmScore") -> str:
    lead = alarms.lead_hours
    return "-" if lead is None else f"{lead.median:.1f} h ({lead.low:.1f} to {lead.high:.1f})"


def _right(alarms: "AlarmScore") -> str:
    return _share(alarms.alerted_with_event, alarms.alerted_stays, alarms.positive_predictive_value)


def _share(part: int, whole: int, share: float | None) -> str:
    return "-" if share is None else f"{share:.0%} ({part:,} of {whole:,})"


_ALARMS: Final[dict[str, Callable[["AlarmScore"], str]]] = {
    "alerts per patient-day": _burden,
    "events with an alert before": _foreseen,
    "first alert to event, median (quartiles)": _lead,
    "alerted stays with the event": _right,
}
