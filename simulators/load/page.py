"""Writes the report of a load test: `report.json`, and `report.html`, which needs no other file and no network."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from lemof_stream.errors import ConfigError
from lemof_stream.plotting import load_matplotlib
from simulators.load.figures import course, distribution, trials
from simulators.load.results import Latency, Report, Run
from simulators.load.watch import Use

_TEMPLATE: Final = Path(__file__).with_name("page.html")


def prepare(folder: Path) -> None:
    """Make the folder of a report.

    Raises:
        ConfigError: it cannot be written, or what draws its figures is not installed.
    """
    load_matplotlib()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").touch()
    except OSError as error:
        raise ConfigError(
            f"The report cannot be written to {folder} ({error.strerror}): name another folder with --report."
        ) from None


def write(report: Report, folder: Path) -> None:
    """Write both files into a folder that was prepared."""
    (folder / "report.json").write_text(report.model_dump_json(indent=1))
    (folder / "report.html").write_text(page(report))


def page(report: Report) -> str:
    """The HTML."""
    run = report.runs[report.shown]
    plan = run.plan
    return Template(_TEMPLATE.read_text()).substitute(
        title=escape(f"{plan.profile}, {plan.beds:,} beds"),
        subtitle=escape(
            f"A window of each bed every {plan.every_s:g} s for {plan.seconds:g} s: {plan.base_rate:,.0f} windows a "
            f"second at the base rate. {report.began:%Y-%m-%d %H:%M} UTC, lemof_stream {report.version}."
        ),
        verdict_class="held" if report.held else "failed",
        verdict="Passed" if report.held else "Failed",
        reason=escape(report.reason),
        figures="".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in _figures(run)
        ),
        trials=_trials(report) if len(report.runs) > 1 else "",
        course=course(run),
        latency_note=escape(
            f"{run.latency.windows:,} windows due from second {run.counted_from_s:g} on; percentiles are right to "
            f"{run.latency.relative_error:.1%}."
        ),
        distribution=distribution(run),
        percentiles=_rows((name, _ms(value)) for name, value in _percentiles(run.latency)),
        accounting=_rows(_accounting(report)),
        settings=_rows(_settings(report, run)),
    )


def _figures(run: Run) -> Iterable[tuple[str, str]]:
    yield "answered a second", f"{run.answered_per_s:,.0f}"
    yield "p50", _ms(run.latency.p50)
    yield "p99", _ms(run.latency.p99)
    yield "without a prediction", f"{run.latency.missing:,}"
    yield "largest lag", "unknown" if run.largest_lag is None else f"{run.largest_lag:,}"
    yield "dead letters", f"{sum(point.dead_letters for point in run.over_time):,}"


def _percentiles(latency: Latency) -> Iterable[tuple[str, float | None]]:
    for name in ("p50", "p90", "p99", "p999", "max"):
        yield name.replace("p999", "p99.9"), getattr(latency, name)


def _trials(report: Report) -> str:
    rows = "".join(
        f"<tr><td>{run.plan.beds:,}</td><td>{_ms(run.latency.p50)}</td><td>{_ms(run.latency.p99)}</td>"
        f"<td>{'held' if run.held else escape(run.reason)}</td></tr>"
        for run in report.runs
    )
    heading = "<tr><th>beds</th><th>p50</th><th>p99</th><th>objective</th></tr>"
    return f"<h2>The search</h2>{trials(report)}<table>{heading}{rows}</table>"


def _accounting(report: Report) -> Iterable[tuple[str, str]]:
    found = report.audit
    yield "audit", "balanced" if found.balanced else f"not balanced: {found.problems[0]}"
    for name in ("received", "predicted", "duplicate", "late", "rejected", "pending"):
        yield f"windows {name}, all that the group ever read", f"{getattr(found, name):,}"


def _settings(report: Report, run: Run) -> Iterable[tuple[str, str]]:
    machine, made = report.machine, run.generated
    yield (
        "machine",
        f"{machine.system}, {machine.processors} processors, {machine.memory_gb:g} GB, Python {machine.python}",
    )
    yield "Kafka", f"{report.brokers}, {report.partitions} partitions"
    yield "group", report.group
    others = [sight.machine_cpu - sum(use.cpu for use in sight.use.values()) for sight in run.sights]
    for kind in ("runner", "broker"):
        seen = [sight.use[kind] for sight in run.sights if kind in sight.use]
        yield f"{kind} on this machine", _most(seen) if seen else "not found"
    yield "all other programs", f"{max(sum(others) / max(len(others), 1), 0):.2f} processors on average"
    yield "objectives", ", ".join(report.objectives) or "none"
    behind = f"p50 {made.behind_p50_ms:.1f} ms and p99 {made.behind_p99_ms:.1f} ms behind its schedule"
    made_by = f"{_count(made.processes, 'process')}, {made.cpu:.2f} processors on average"
    yield "generator", f"{made.windows:,} windows; {made_by}; {behind}"
    yield "seed", str(run.plan.seed)


def _most(seen: Sequence[Use]) -> str:
    return (
        f"{_count(max(use.processes for use in seen), 'process')}, {max(use.cpu for use in seen):.2f} processors and "
        f"{max(use.memory_mb for use in seen):,.0f} MB at most"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 'es'}"


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)


def _ms(value: float | None) -> str:
    return "never" if value is None else f"{value:,.1f} ms" if value < 100 else f"{value:,.0f} ms"
