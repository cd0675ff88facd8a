"""The TRIPOD+AI checklist (Collins et al., BMJ 2024; 385: e078378) answered for one checkpoint, in our words."""

from collections.abc import Iterator
from typing import Any

NOT_DONE = "Not done."


def checklist(card: dict[str, Any]) -> Iterator[str]:
    """The 27 items, each with where or how it is answered; `Not done.` where it is not."""
    yield from (f"# TRIPOD+AI checklist of {card['name']} {card['version']}", "")
    yield "Items in our words; fields are those of card.json, sections those of MODEL_CARD.md."
    yield from ("", "| item | asks for | answer |", "|---|---|---|")
    for number, (asks, answer) in enumerate(_items(card), start=1):
        yield f"| {number} | {asks} | {answer} |"


def _items(card: dict[str, Any]) -> list[tuple[str, str]]:
    return [*_opening(card), *_methods(card), *_open_science(card), *_results(card), *_discussion(card)]


def _opening(card: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Title", f"{card['name']}: a prediction model, developed on {card['data']['cohort']}."),
        ("Abstract", "`description`, `intended_use`; no structured abstract."),
        (
            "Background: setting, rationale, known inequalities",
            "`description`, `intended_use`; inequalities: not done.",
        ),
        ("Objectives", f"To develop a model of {', '.join(card['outputs'])}; evaluation: section Scores."),
    ]


def _methods(card: dict[str, Any]) -> list[tuple[str, str]]:
    schema, other = card["input_schema"], card["metrics"]["other_stays"]
    fair = "Scores by sex, age and unit type with intervals; nothing was tuned for equality between groups."
    scored = "Out of fold, and on other stays." if other else "Out of fold only."
    return [
        ("Data: source and dates", card["data"]["source"]),
        (
            "Participants: setting, eligibility, treatments",
            f"{card['limits']} Treatments are inputs where charted.",
        ),
        (
            "Data preparation",
            "Plausible and possible ranges of every channel (`input_schema`); `lemof data check`.",
        ),
        (
            "Outcome: definition, assessment",
            f"{', '.join(card['outputs'])}, from the recordings; assessors: not known.",
        ),
        (
            "Predictors: choice, definition",
            (
                f"{len(schema['vitals']) + len(schema['ehr'])} channels and demographics, all that the set and the "
                f"channel table share (`input_schema`)."
            ),
        ),
        ("Sample size", f"All {card['data']['stays']} stays that were given; no calculation was done."),
        (
            "Missing data",
            (
                "Never imputed from outcomes: last value carried forward, counts and ages of values; unseen modalities "
                "are masked."
            ),
        ),
        (
            "Analysis: partition, model, calibration, measures",
            f"{card['splits']} `recipe`, `architecture`, `calibration`. AUROC, AUPRC, calibration, errors. {scored}",
        ),
        (
            "Class imbalance",
            "Nothing was resampled or weighted; calibration is checked, so risks keep their meaning.",
        ),
        ("Fairness", fair),
        ("Model output", f"{', '.join(card['outputs'])}; threshold: {_threshold(card)}"),
        ("Differences between development and evaluation data", "Same source; other hospitals: not done."),
        ("Ethical approval", f"De-identified public recordings under their terms: {card['data']['terms']}."),
    ]


def _threshold(card: dict[str, Any]) -> str:
    if card["threshold"] is None:
        return "none, as risks and durations are given as they are."
    return f"{card['threshold']:.4f}, which has the most utility out of fold."


def _open_science(card: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            "Open science: funding, conflicts, protocol, registration, data, code",
            f"Funding, conflicts, protocol, registration: not done. Data: {card['data']['terms']}. Code: this package.",
        ),
        ("Patient and public involvement", NOT_DONE),
    ]


def _results(card: dict[str, Any]) -> list[tuple[str, str]]:
    data, other = card["data"], card["metrics"]["other_stays"]
    where = (
        "`metrics.out_of_fold`, `metrics.other_stays`"
        if other
        else "`metrics.out_of_fold`; other stays: not done"
    )
    return [
        (
            "Participants: flow, characteristics",
            f"{data['stays']} stays of {data['people']} people; `data`; flow: `lemof data check`.",
        ),
        ("Model development: numbers, tuning", "`data` counts outcomes; `recipe` names every setting."),
        ("Model specification", "Code and `model.safetensors`, with SHA-256."),
        (
            "Model performance with intervals, and in subgroups",
            f"{where}: `hours`, `reliability`, `subgroups`.",
        ),
        ("Model updating", NOT_DONE),
    ]


def _discussion(card: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Interpretation, fairness included", "Left to the reader of the scores; not done for equity."),
        ("Limitations", card["limits"]),
        (
            "Usability: poor inputs, interaction, expertise, next steps",
            f"Values out of range are clipped or dropped, missing ones tolerated. {card['intended_use']}",
        ),
    ]
