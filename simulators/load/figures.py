"""The figures of a load test's report, as SVG that stands inside a page."""

import io
import math
from typing import Any, Final

import numpy as np

from lemof_stream.plotting import load_matplotlib
from simulators.load.results import Report, Run

_WIDTH, _PANEL_HEIGHT = 9.0, 1.9  # inches; a page's column holds it without scaling it down
_COLOURS: Final = {"broker": "#b45309", "runner": "#1d4ed8", "generator": "#15803d", "reader": "#6b7280"}
_LIMIT: Final = "#b91c1c"


def course(run: Run) -> str:
    """Rates, latencies, lag, processors, memory and dead letters over the run."""
    figure, panels = _canvas(6, sharex=True)
    at = np.array([point.at_s for point in run.over_time])
    rates, latencies, lag, cpu, memory, letters = panels
    for name, colour in (("due", "0.55"), ("answered", "#1d4ed8")):
        rate = np.array([getattr(point, name) for point in run.over_time]) / run.interval_s
        rates.step(at, rate, where="post", label=name, color=colour, linewidth=1.3)
    rates.set_ylabel("windows a second")
    for name, colour in (("p50", "#1d4ed8"), ("p99", "#b45309")):
        values = [getattr(point, name) for point in run.over_time]
        latencies.step(
            at, [math.nan if v is None else v for v in values], where="post", label=name, color=colour
        )
    latencies.set_yscale("log")
    _number(latencies.yaxis)
    latencies.set_ylabel("latency, ms")
    _limits(latencies, run, of_latency=True)
    seen = [sight for sight in run.sights if sight.lag is not None]
    lag.plot([s.at_s for s in seen], [s.lag for s in seen], color="#1d4ed8", label="the runner's group")
    lag.set_ylabel("lag, windows")
    _limits(lag, run, of_latency=False)
    for kind, colour in _COLOURS.items():
        of = [(s.at_s, s.use[kind]) for s in run.sights if kind in s.use]
        if of:
            cpu.plot([t for t, _ in of], [use.cpu for _, use in of], color=colour, label=kind)
            memory.plot([t for t, _ in of], [use.memory_mb for _, use in of], color=colour, label=kind)
    times = [s.at_s for s in run.sights]
    cpu.plot(times, [s.machine_cpu for s in run.sights], color="0.8", label="whole machine", zorder=0)
    cpu.set_ylabel("processors")
    memory.set_ylabel("memory, MB")
    letters.step(at, [point.dead_letters for point in run.over_time], where="post", color=_LIMIT)
    letters.set_ylabel(f"dead letters\nin {run.interval_s:g} s")
    letters.set_xlabel("seconds since the first window was due; grey: warm-up, not counted")
    letters.set_ylim(top=max(1, *(point.dead_letters for point in run.over_time)) * 1.05)
    for panel in panels:
        panel.set_ylim(bottom=None if panel is latencies else 0)
        panel.axvspan(0, run.counted_from_s, color="0.93", zorder=-1)
        if panel.get_legend_handles_labels()[0]:
            panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)
    return _svg(figure, "Course of the run")


def distribution(run: Run) -> str:
    """The histogram of latencies, and the share that took longer, both on scales of orders of magnitude."""
    figure, [counts, tail] = _canvas(2, sharex=True)
    buckets = [b for b in run.latency.histogram if b.upto_ms is not None]
    upto, count = (np.array([getattr(b, name) for b in buckets]) for name in ("upto_ms", "count"))
    counts.bar(upto, count, width=upto * 0.01, color="#1d4ed8", align="edge")
    counts.set_ylabel("windows a bucket")
    counts.set_xscale("log")
    longer = 1 - np.cumsum(count) / max(run.latency.windows, 1)
    tail.step(upto, np.maximum(longer, 0.5 / max(run.latency.windows, 1)), where="post", color="#b45309")
    tail.set_yscale("log")
    tail.set_ylabel("share that took longer")
    _number(tail.xaxis)
    tail.set_xlabel("milliseconds from when a window was due to its prediction")
    for verdict in run.verdicts:
        if verdict.percentile is not None:
            for panel in (counts, tail):
                panel.axvline(verdict.limit, color=_LIMIT, linewidth=1, linestyle="--")
            tail.axhline(1 - verdict.percentile / 100, color=_LIMIT, linewidth=1, linestyle="--")
    return _svg(figure, "Latency histogram")


def trials(report: Report) -> str:
    """The runs of a search: the first objective's figure by beds."""
    figure, [panel] = _canvas(1, sharex=False)
    for held, colour, name in ((True, "#15803d", "held"), (False, _LIMIT, "did not hold")):
        runs = [run for run in report.runs if run.held == held and run.verdicts[0].found is not None]
        panel.plot(
            [run.plan.beds for run in runs],
            [run.verdicts[0].found for run in runs],
            "o",
            color=colour,
            label=name,
        )
    panel.axhline(report.runs[0].verdicts[0].limit, color=_LIMIT, linewidth=1, linestyle="--")
    panel.set_xscale("log")
    panel.set_yscale("log")
    _number(panel.xaxis)
    _number(panel.yaxis)
    panel.set_xlabel("beds")
    panel.set_ylabel(report.objectives[0].partition("=")[0])
    panel.legend(fontsize=8, frameon=False)
    return _svg(figure, "Runs of the search")


def _limits(panel: Any, run: Run, *, of_latency: bool) -> None:
    for verdict in run.verdicts:
        if (verdict.percentile is not None) == of_latency:
            panel.axhline(verdict.limit, color=_LIMIT, linewidth=1, linestyle="--", label=verdict.objective)


def _number(axis: Any) -> None:
    """Label a logarithmic axis at 1, 2, 5, 10, ..., and write 1000, not 10³."""
    axis.get_major_locator().set_params(subs=(1, 2, 5))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def _canvas(panels: int, *, sharex: bool) -> tuple[Any, Any]:
    figure = load_matplotlib()(figsize=(_WIDTH, 0.5 + _PANEL_HEIGHT * panels), layout="constrained")
    made = figure.subplots(panels, 1, sharex=sharex, squeeze=False).flatten()
    for panel in made:
        panel.grid(visible=True, alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, made


def _svg(figure: Any, title: str) -> str:
    """The SVG element alone, without what stands before it in a file of its own."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    text = file.getvalue()
    return text[text.index("<svg") :]
