"""The figure of an experiment: differences to the first variant with their intervals, or its other figures."""

from pathlib import Path
from typing import Any

from lemof_stream.plotting import load_matplotlib
from lemof_stream.training.metrics import Estimate

PANEL_WIDTH, ROW_HEIGHT, PANEL_MARGIN = 3.0, 0.24, 0.9
"""Inches: names of variants stay legible at the size at which a browser shows the file."""


def draw(found: dict[str, Any], file: Path) -> None:
    """Draw what `report.run` found."""
    figure = _differences(found) if found["comparisons"] else _figures(found)
    figure.savefig(file, dpi=110, metadata={"Software": None})  # the same numbers, the same file


def _differences(found: dict[str, Any]) -> Any:
    """A panel a task and hour, stays still being recorded where they are told apart: each variant's difference to the
    first, in the metric that comes first.
    """
    group, metric = (found["comparisons"][0][key] for key in ("group", "metric"))
    own = [c for c in found["comparisons"] if (c["group"], c["metric"]) == (group, metric)]
    tasks, hours = (list(dict.fromkeys(c[key] for c in own)) for key in ("task", "hour"))
    variants = list(dict.fromkeys(c["variant"] for c in own))
    figure = _canvas(
        2 + PANEL_WIDTH * len(hours), len(tasks) * (PANEL_MARGIN + ROW_HEIGHT * len(variants)) + 0.8
    )
    panels = figure.subplots(len(tasks), len(hours), sharex="row", sharey=True, squeeze=False)
    for row, task in zip(panels, tasks, strict=True):
        for panel, hour in zip(row, hours, strict=True):
            here = [c for c in own if (c["task"], c["hour"]) == (task, hour)]
            value = here[0]["score"]["value"]
            known = "not defined" if value is None else f"{value:.3f}"
            panel.set_title(f"{task}, {hour_name(hour)}: first {known}", fontsize=9)
            panel.axvline(0, color="0.6", linewidth=0.8)
            panel.locator_params(axis="x", nbins=5)  # more labels would overlap
            _rows(panel, variants, [c["difference"] for c in here])
    figure.suptitle(
        f"{found['experiment']}: {metric} minus that of “{found['first']}” (first row), 95% intervals"
    )
    stays = ", stays with a value in the last 6 hours" if group == "recorded" else ""
    figure.supxlabel(f"difference in {metric}{stays}", fontsize=10)
    return figure


def hour_name(hour: int | None) -> str:
    """For a heading."""
    return "every hour" if hour is None else f"{hour} h"


def _figures(found: dict[str, Any]) -> Any:
    """A panel a figure, on a scale of orders of magnitude where it spans one."""
    figures = found["figures"]
    names = list(dict.fromkeys(name for own in figures.values() for name in own))
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = _canvas(2 + 3.6 * columns, rows * (PANEL_MARGIN + ROW_HEIGHT * len(figures)) + 0.6)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten()
    for panel, name in zip(panels, names, strict=False):
        panel.set_title(name, fontsize=9)
        known = [own[name]["value"] or 0.0 for own in figures.values() if name in own]
        if max(known) > 10 * min(known) > 0:
            panel.set_xscale("log")
        panel.tick_params(axis="x", which="minor", labelbottom=False)  # they would overlap
        nothing = Estimate(value=None, low=None, high=None)
        _rows(panel, list(figures), [own.get(name, nothing) for own in figures.values()])
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    figure.suptitle(f"{found['experiment']}: {found['estimates']}")
    return figure


def _canvas(width: float, height: float) -> Any:
    return load_matplotlib()(figsize=(width, height), layout="constrained")


def _rows(panel: Any, names: list[str], estimates: list[Estimate]) -> None:
    """A point with its interval for each name, the first on top."""
    for place, estimate in enumerate(estimates):
        value, low, high = estimate["value"], estimate["low"], estimate["high"]
        if value is not None:
            low, high = value if low is None else low, value if high is None else high
            panel.plot([low, high], [place, place], color="C0", linewidth=2)
            panel.plot([value], [place], "o", color="C0", markersize=5)
    panel.set_yticks(range(len(names)), names, fontsize=9)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.tick_params(axis="x", labelsize=8)
