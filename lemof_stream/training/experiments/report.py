"""An experiment's report: a table to read, the same numbers as JSON, a figure."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lemof_stream.cohorts import Cohort
from lemof_stream.errors import ConfigError
from lemof_stream.plotting import load_matplotlib
from lemof_stream.training.experiments.compare import GROUPS, Comparison, compare
from lemof_stream.training.experiments.figure import draw, hour_name
from lemof_stream.training.experiments.setting import Experiment, Setting, described, merged
from lemof_stream.training.metrics import Estimate

DEFAULT_COHORT = "physionet2012"
REPORTS = Path("lemof_stream/training/reports")
GROUP_NAMES = {"recorded": "stays with a value in the last 6 hours", "all": "all stays"}


def report_folder(out: Path | None) -> Path:
    """Where reports go: `out`, else the checkout's own folder.

    Raises:
        ConfigError: none is named, and this is not a checkout.
    """
    if out is not None:
        return out
    if not (REPORTS.parent.is_dir() and Path("pyproject.toml").is_file()):
        raise ConfigError(
            f"There is no {REPORTS.parent} here to write the report to: run this in a checkout, or name a folder "
            f"with --out."
        )
    return REPORTS


def run(
    experiment: Experiment,
    folds: Sequence[Setting],
    scored_stays: Callable[[], Cohort],
    command: str,
    out: Path,
) -> list[Path]:
    """Run an experiment, once or in every fold of people, and write NAME.md, NAME.json and NAME.png to `out`, or
    NAME_COHORT.* of a cohort that is not the default one.

    `scored_stays`: those that the folds test on, together.

    Raises:
        ConfigError: Matplotlib is not installed.
        DataError: the stays are not fit for it.
    """
    load_matplotlib()  # before the work, not after it
    variants = merged([experiment.run(setting) for setting in folds])
    scored = any(variant.tables for variant in variants)
    comparisons = compare(variants, scored_stays(), calibration=experiment.calibration) if scored else []
    found: dict[str, Any] = {
        "experiment": experiment.name,
        "question": experiment.sentence,
        "notes": list(experiment.notes),
        "command": command,
        "first": variants[0].name,
        "figures": {variant.name: variant.figures for variant in variants if variant.figures},
        "comparisons": comparisons,
        "estimates": experiment.estimates,
    }
    if scored:
        found |= {
            "seeds": list(folds[0].seeds),
            "recipe": asdict(folds[0].recipe) | asdict(folds[0].sizes),
            "train": described(folds[0].train),
            "test": described(scored_stays()),
            "folds": len(folds),
        }
    out.mkdir(parents=True, exist_ok=True)
    files = [out / f"{_stem(found)}.{kind}" for kind in ("md", "json", "png")]
    files[0].write_text("\n".join(_lines(found)) + "\n")
    files[1].write_text(json.dumps(found, indent=1) + "\n")
    draw(found, files[2])
    return files


def _stem(found: dict[str, Any]) -> str:
    """The files' name without its ending."""
    cohort = found["test"]["cohort"] if found["comparisons"] else DEFAULT_COHORT
    return str(found["experiment"]) + ("" if cohort == DEFAULT_COHORT else f"_{cohort}")


def _lines(found: dict[str, Any]) -> Iterable[str]:
    yield f"# {found['experiment']}"
    yield from ("", found["question"], "")
    yield from ("```", found["command"], "```", "")
    yield from (f"- {note}" for note in found["notes"])
    if found["comparisons"]:
        yield from _how(found)
        for group in GROUPS:
            own = [c for c in found["comparisons"] if c["group"] == group]
            if own:
                yield from _group(own, group)
    if found["figures"]:
        yield from _figures(found["figures"])
    yield from ("", f"![{found['experiment']}]({_stem(found)}.png)")


def _how(found: dict[str, Any]) -> Iterable[str]:
    train, test = (
        f"{own['stays']:,} stays of {own['people']:,} people of {own['cohort']}, {own['stay_ids']}"
        for own in (found["train"], found["test"])
    )
    if found["folds"] > 1:
        yield f"- {test}, in {found['folds']} folds of people, each scored by what learnt from the others"
    else:
        yield from (f"- train: {train}", f"- test: {test}")
    yield f"- seeds: {', '.join(map(str, found['seeds']))}; scores are means over them"
    yield "- recipe: " + ", ".join(f"{name} {value}" for name, value in found["recipe"].items())
    yield (
        "- in brackets 95% intervals over 400 bootstrap draws of people, the same for all rows; Δ: difference to "
        f"`{found['first']}`, paired, the variance between seeds not counted; unadjusted for the number of rows"
    )


def _group(comparisons: Sequence[Comparison], group: str) -> Iterable[str]:
    yield from ("", f"## {GROUP_NAMES[group][0].upper()}{GROUP_NAMES[group][1:]}")
    for task, metric in dict.fromkeys((c["task"], c["metric"]) for c in comparisons):
        own = {
            (c["variant"], c["hour"]): c for c in comparisons if (c["task"], c["metric"]) == (task, metric)
        }
        hours = list(dict.fromkeys(hour for _, hour in own))
        variants = list(dict.fromkeys(variant for variant, _ in own))
        yield from ("", f"### {task}, {metric}", "")
        heads = [f"{hour_name(hour)} ({own[variants[0], hour]['stays']:,} stays) | Δ" for hour in hours]
        yield f"| variant | {' | '.join(heads)} |"
        yield "|---" * (1 + 2 * len(hours)) + "|"
        for variant in variants:
            cells = [
                f"{_cell(own[variant, hour]['score'])} | "
                + ("" if variant == variants[0] else _cell(own[variant, hour]["difference"], "+"))
                for hour in hours
            ]
            yield f"| {variant} | {' | '.join(cells)} |"


def _figures(figures: dict[str, dict[str, Estimate]]) -> Iterable[str]:
    names = list(dict.fromkeys(name for own in figures.values() for name in own))
    yield from ("", "## Figures", "", f"| variant | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|")
    for variant, own in figures.items():
        yield f"| {variant} | {' | '.join(_figure(own[name]) if name in own else '' for name in names)} |"


def _figure(estimate: Estimate) -> str:
    value, low, high = estimate["value"], estimate["low"], estimate["high"]
    if value is None:
        return "-"
    if low is None or high is None or low == high == value:
        return f"{value:,.6g}"
    return f"{value:,.4g} ({low:,.4g}, {high:,.4g})"


def _cell(estimate: Estimate, sign: str = "") -> str:
    """A score or a difference with its interval."""
    value, low, high = estimate["value"], estimate["low"], estimate["high"]
    if value is None or low is None or high is None:
        return "-"
    return f"{value:{sign}.3f} ({low:{sign}.3f}, {high:{sign}.3f})"
