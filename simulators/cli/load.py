"""`lemof-sim load`: a load test of a running system."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lemof_stream.cli.options import Brokers, Config, Group, Json
from lemof_stream.errors import ConfigError
from lemof_stream.settings import Settings, load_settings
from lemof_stream.stopping import on_stop
from simulators.load.conduct import LoadTest, load_test
from simulators.load.objective import Objective
from simulators.load.page import prepare, write
from simulators.load.plan import PROFILES, Plan, profile_of
from simulators.load.results import Report

Beds = Annotated[int, typer.Option("--beds", min=1, max=1_000_000, help="Beds; of a ramp, at its end.")]
ProfileName = Annotated[
    str, typer.Option("--profile", metavar="|".join(PROFILES), help="How the rate changes over the run.")
]
Seconds = Annotated[float, typer.Option("--seconds", min=5, help="How long windows are due.")]
Every = Annotated[
    float, typer.Option("--every", min=0.05, metavar="S", help="Seconds from a window of a bed to its next.")
]
Slo = Annotated[
    list[str] | None,
    typer.Option(
        "--slo",
        metavar="p99=150ms",
        help="The objective: a percentile of the latency in ms or s, or lag=N windows; may be repeated.",
    ),
]
Find = Annotated[
    bool,
    typer.Option("--find", help="Search for the most beds that hold the objective, beginning with --beds."),
]
Processes = Annotated[int, typer.Option("--processes", min=1, max=64, help="Processes that make windows.")]
ReportDir = Annotated[
    Path | None, typer.Option("--report", metavar="DIR", help="Write report.html and report.json there.")
]


def command(
    beds: Beds = 100,
    profile: ProfileName = "steady",
    seconds: Seconds = 60,
    every: Every = 5,
    slo: Slo = None,
    find: Find = False,
    processes: Processes = 1,
    report: ReportDir = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same schedule.")] = 0,
    brokers: Brokers = None,
    group: Group = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Load a running system (`lemof run`, and `lemof ehr` where it is used) and measure what becomes of each window.

    Windows are due at instants that are settled before the run: a slow system slows nothing down. A latency counts from
    when its window was due until a committed prediction holds it. Use a Kafka that no patient depends on.

    Exit status: 0 the objective held or none was set, 1 it did not (one sentence says why), 2 wrong usage.
    """
    settings = load_settings(config, brokers=brokers, group=group)
    plan = Plan(profile=profile_of(profile), beds=beds, seconds=seconds, every_s=every, seed=seed)
    objectives = _objectives(slo or (), plan, find=find)
    if report is not None:
        prepare(report)  # says what is missing before the run, not after it
    test = LoadTest(plan=plan, objectives=objectives, find=find, processes=processes)
    found = asyncio.run(_run(settings, test))
    if found is None:
        typer.echo("lemof-sim: the load test was stopped before its end; its beds are discharged.", err=True)
        raise typer.Exit(1)
    if report is not None:
        write(found, report)
    typer.echo(found.model_dump_json() if json else "\n".join(_lines(found, report)))
    if not found.held:
        typer.echo(f"lemof-sim: {found.reason}", err=True)
        raise typer.Exit(1)


def _objectives(texts: Sequence[str], plan: Plan, *, find: bool) -> list[Objective]:
    """The objectives, of a run that can say something about them.

    Raises:
        ConfigError: they cannot be read, or it cannot.
    """
    if plan.seconds < 2 * plan.every_s:
        raise ConfigError(
            f"--seconds {plan.seconds:g} is too short for a window every {plan.every_s:g} s: two of each bed are the "
            "least that says something; give it more --seconds or a smaller --every."
        )
    if find and not texts:
        raise ConfigError("--find searches for what holds an objective: name one, as in --slo p99=150ms.")
    return [Objective.parse(text) for text in texts]


async def _run(settings: Settings, test: LoadTest) -> Report | None:
    """The report; None where a signal ended the test."""
    running = asyncio.create_task(load_test(settings, test, lambda text: typer.echo(text, err=True)))
    on_stop(running.cancel)
    await asyncio.wait({running})
    return None if running.cancelled() else running.result()


def _lines(found: Report, folder: Path | None) -> list[str]:
    run = found.runs[found.shown]
    latency, generated = run.latency, run.generated
    percentiles = ", ".join(
        f"{name} {'never' if value is None else f'{value:,.0f} ms'}"
        for name, value in (
            ("p50", latency.p50),
            ("p90", latency.p90),
            ("p99", latency.p99),
            ("max", latency.max),
        )
    )
    told = {
        "load": f"{run.plan.profile}, {run.plan.beds:,} beds, a window each in {run.plan.every_s:g} s",
        "windows": f"{latency.windows:,} counted, {latency.missing:,} without a prediction, "
        f"{run.answered_per_s:,.0f} answered a second",
        "latency": percentiles,
        "largest lag": "unknown" if run.largest_lag is None else f"{run.largest_lag:,} windows",
        "generator": f"p99 {generated.behind_p99_ms:.1f} ms behind its schedule",
        "audit": f"{'balanced' if found.audit.balanced else 'NOT balanced'}: {found.audit.received:,} received, "
        f"{found.audit.predicted:,} predicted, {found.audit.duplicate:,} duplicate, {found.audit.late:,} late, "
        f"{found.audit.rejected:,} rejected, {found.audit.pending:,} pending",
        "objective": found.reason,
    }
    if folder is not None:
        told["report"] = str(folder / "report.html")
    return [f"{name:<14}{value}" for name, value in told.items()]
