"""MODEL_CARD.md and TRIPOD_AI.md beside a checkpoint, written from its card.json for people to read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lemof_stream.model.checkpoint import CARD
from lemof_stream.training.tripod import checklist


def write_documents(folder: Path) -> None:
    """Write both for the checkpoint in `folder`; they say what its card says and nothing else."""
    card = json.loads((folder / CARD).read_text())
    (folder / "MODEL_CARD.md").write_text("\n".join(_model_card(card)) + "\n")
    (folder / "TRIPOD_AI.md").write_text("\n".join(checklist(card)) + "\n")


def _model_card(card: dict[str, Any]) -> Iterator[str]:
    data, calibration = card["data"], card["calibration"]
    yield from (f"# {card['name']} {card['version']}", "", card["description"], "")
    yield from ("## Use", "", card["intended_use"], "", "## Limits", "", card["limits"], "")
    yield from ("## Data", "")
    yield from (f"- {name.replace('_', ' ')}: {value}" for name, value in data.items())
    yield from ("", f"Splits: {card['splits']}", "")
    yield from ("## Inputs and outputs", "", f"Outputs: {', '.join(card['outputs'])}.", "")
    schema = card["input_schema"]
    yield from (f"Vital signs: {', '.join(schema['vitals'])}.", "", f"EHR: {', '.join(schema['ehr'])}.", "")
    yield f"A prediction every {schema['step_minutes']} minutes; horizon: step {schema['horizon_steps']}."
    yield from ("", "## Calibration", "", calibration["how"], "")
    yield from (f"- temperature of {task}: {value:.3f}" for task, value in calibration["temperature"].items())
    if card["threshold"] is not None:
        yield from ("", f"An alarm is a predicted risk of at least {card['threshold']:.4f}.")
    for name, title in (("out_of_fold", "Scores, out of fold"), ("other_stays", "Scores on other stays")):
        yield from _scores(card["metrics"][name], title)


def _scores(found: dict[str, Any] | None, title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    if found is None:
        yield "Not done for this checkpoint."
        return
    yield from (found["how"], "")
    yield from ("By hours observed, with 95% intervals.", "", *_HEAD)
    for hour, groups in found["hours"].items():
        for group, blocks in groups.items():
            yield from _lines(f"{hour} | {group}", blocks)
    if "overall" in found:
        yield from _lines("every | all", found["overall"])
    if "subgroups" in found:
        yield from ("", "Of groups of patients; a small group's scores mostly tell chance.", "", *_HEAD)
        for factor, groups in found["subgroups"].items():
            for group, blocks in groups.items():
                yield from _lines(f"{factor} | {group}{' (small)' if blocks['small'] else ''}", blocks)


_HEAD = (
    "| | | task | rows | AUROC or MAE | ECE or share inside 80% | slope or R2 |",
    "|---|---|---|---|---|---|---|",
)


def _lines(place: str, blocks: dict[str, Any]) -> Iterator[str]:
    for task, block in blocks.items():
        if isinstance(block, dict):
            names = ("auroc", "ece", "slope") if "auroc" in block else ("mae", "coverage", "r2")
            cells = " | ".join(cell(block.get(name)) for name in names)
            yield f"| {place} | {task} | {block.get('rows', block.get('stays', '-'))} | {cells} |"
            if "utility" in block:
                yield f"| {place} | utility | {block['rows']} | {cell(block['utility'])} | - | - |"


def cell(estimate: dict[str, float | None] | None) -> str:
    """An estimate with its interval, `-` where there is none."""
    if estimate is None or estimate["value"] is None:
        return "-"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"
