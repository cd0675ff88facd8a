"""Figures of what `evaluate` found: reliability, scores by hours observed, scores of groups of patients."""

from pathlib import Path
from typing import Any

from lemof_stream.plotting import load_matplotlib

LEGIBLE = {"width": 4.2, "height": 3.6}
"""Inches of one panel: labels of ten points stay readable where the figure fills a page's width."""


def write_figures(scores: dict[str, Any], folder: Path) -> None:
    """Write reliability.png, by_hour.png and subgroups.png; the folder is made if it is not there."""
    load_matplotlib()  # before the folder is made
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in (("reliability", _reliability), ("by_hour", _by_hour), ("subgroups", _subgroups)):
        draw(scores).savefig(folder / f"{name}.png", dpi=130)


def _figure(columns: int, height: float = LEGIBLE["height"]) -> tuple[Any, list[Any]]:
    figure = load_matplotlib()(figsize=(LEGIBLE["width"] * columns, height), layout="constrained")
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def _reliability(scores: dict[str, Any]) -> Any:
    """A panel a task, a line an hour."""
    parts = scores["reliability"]
    tasks = list(next(iter(parts.values())))
    figure, panels = _figure(len(tasks))
    for panel, task in zip(panels, tasks, strict=True):
        for name, bins in ((name, part[task]) for name, part in parts.items() if part[task]):
            x, y = [b["predicted"] for b in bins], [b["observed"] for b in bins]
            below = [b["observed"] - b["low"] for b in bins]
            above = [b["high"] - b["observed"] for b in bins]
            panel.errorbar(x, y, [below, above], marker="o", markersize=3, linewidth=1, label=f"hour {name}")
        end = max((max(b["predicted"], b["high"]) for part in parts.values() for b in part[task]), default=1)
        panel.plot([0, end], [0, end], color="grey", linestyle=":", label="as predicted")
        panel.set(title=task, xlabel="predicted", ylabel="observed, 95% interval")
        panel.legend(fontsize=7)
    return figure


def _by_hour(scores: dict[str, Any]) -> Any:
    """A panel a score, a line a task and group."""
    figure, panels = _figure(3)
    hours = scores["hours"]
    names = _panels(next(iter(hours.values()))["all"])
    for panel, (title, score) in zip(panels, names, strict=True):
        for group in next(iter(hours.values())):
            for task, block in next(iter(hours.values()))[group].items():
                if isinstance(block, dict) and score in block:
                    found = [hours[hour][group][task][score] for hour in hours]
                    _line(panel, list(hours), found, f"{task}, {group}", dashed=group != "all")
        panel.set(title=title, xlabel="hours observed", ylabel=f"{title}, 95% interval")
        panel.legend(fontsize=7)
    return figure


def _panels(block: dict[str, Any]) -> list[tuple[str, str]]:
    binary = any(isinstance(b, dict) and "auroc" in b for b in block.values())
    duration = any(isinstance(b, dict) and "mae" in b for b in block.values())
    if not binary:
        return [("MAE", "mae"), ("R2", "r2"), ("share inside the 80% interval", "coverage")]
    third = ("share inside the 80% interval", "coverage") if duration else ("AUPRC", "auprc")
    return [("AUROC", "auroc"), ("ECE", "ece"), third]


def _line(panel: Any, names: list[str], found: list[dict[str, Any]], label: str, *, dashed: bool) -> None:
    known = [(x, e) for x, e in enumerate(found) if e["value"] is not None]
    x, y = [x for x, _ in known], [e["value"] for _, e in known]
    bars = [_lengths(e) for _, e in known]
    panel.errorbar(
        x, y, _bars(bars), marker="o", markersize=3, linestyle="--" if dashed else "-", label=label, capsize=2
    )
    panel.set_xticks(range(len(names)), names)


def _subgroups(scores: dict[str, Any]) -> Any:
    """A panel a task, a row a group; hollow where the group is small."""
    groups = [
        (factor, name, block) for factor, own in scores["subgroups"].items() for name, block in own.items()
    ]
    tasks = [task for task, block in groups[0][2].items() if isinstance(block, dict)]
    figure, panels = _figure(len(tasks), 0.34 * len(groups) + 1.4)
    labels = [
        f"{factor} {name} (n={block['stays']}{', small' if block['small'] else ''})"
        for factor, name, block in groups
    ]
    for panel, task in zip(panels, tasks, strict=True):
        score = "auroc" if "auroc" in groups[0][2][task] else "mae"
        for y, (_, _, block) in enumerate(groups):
            found = block[task][score]
            if found["value"] is not None:
                filled = "white" if block["small"] else "C0"
                bar = _bars([_lengths(found)])
                panel.errorbar(found["value"], y, xerr=bar, marker="o", color="C0", mfc=filled)
        panel.set_yticks(range(len(groups)), labels if panel is panels[0] else [""] * len(groups), fontsize=8)
        panel.set(title=task, xlabel=f"{score.upper()}, 95% interval", ylim=(len(groups) - 0.5, -0.5))
    return figure


def _lengths(found: dict[str, Any]) -> tuple[float, float]:
    """Of the bars below and above; a bootstrap interval of few rows may lie beside its value."""
    return max(found["value"] - found["low"], 0.0), max(found["high"] - found["value"], 0.0)


def _bars(lengths: list[tuple[float, float]]) -> list[list[float]]:
    return [[below for below, _ in lengths], [above for _, above in lengths]]
