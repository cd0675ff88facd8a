"""Variants against the first of them, by hour and task, paired over people.

R rows (a stay and step each), S seeds
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict

import numpy as np

from lemof_stream.cohorts import Cohort
from lemof_stream.model.tasks import TASK_SETS
from lemof_stream.training.evaluate import HOURS, recorded_at
from lemof_stream.training.experiments.setting import Variant
from lemof_stream.training.metrics import (
    Estimate,
    Floats,
    Score,
    absolute_error,
    auroc,
    calibration_error,
    mean,
    paired,
)
from lemof_stream.training.scores.rows import Rows, last_rows, rows_of
from lemof_stream.training.scores.utility import best_threshold, gains, normalised_utility

GROUPS = ("recorded", "all")
"""Stays with a value in the last hours (see `evaluate`), by which choices are judged, and all stays."""


class Comparison(TypedDict):
    """A variant's score at an hour, mean over seeds, and its difference to the first variant's.

    `hour` is None where every step has a target, and all of them are scored.
    """

    variant: str
    group: str
    task: str
    metric: str
    hour: int | None
    stays: int
    score: Estimate
    difference: Estimate


class _Question(NamedTuple):
    """What is scored, and how: truth [R] of some rows, and what a variant said of it [R]."""

    task: str
    metric: str
    score: Score
    truth: Callable[[Rows], Floats]
    said: Callable[[Rows], Floats]


def compare(variants: Sequence[Variant], cohort: Cohort, *, calibration: bool = False) -> list[Comparison]:
    """Score the predictions that each variant made of the cohort; variants without any are left out.

    `calibration`: ask of probabilities also how large and how well calibrated they are.
    """
    scored = {
        variant.name: [rows_of(t, cohort) for t in variant.tables] for variant in variants if variant.tables
    }
    if not scored:
        return []
    rows = next(iter(scored.values()))[0]
    found: list[Comparison] = []
    for hour, group, places in _parts(rows, cohort):
        own = {name: [seed.take(places) for seed in seeds] for name, seeds in scored.items()}
        here = rows.take(places)
        for question in _questions(here, calibration=calibration):
            truth = question.truth(here)
            said = [np.stack([question.said(seed) for seed in seeds]) for seeds in own.values()]
            stays = len(np.unique(here.stay[~np.isnan(truth)]))
            pairs = paired(question.score, truth, said, here.person)
            found += [
                Comparison(
                    variant=name,
                    group=group,
                    task=question.task,
                    metric=question.metric,
                    hour=hour,
                    stays=stays,
                    score=value,
                    difference=difference,
                )
                for name, (value, difference) in zip(own, pairs, strict=True)
            ]
    return found


def _parts(rows: Rows, cohort: Cohort) -> list[tuple[int | None, str, np.ndarray]]:
    """Hour, group and places of the rows that are scored together."""
    if TASK_SETS[cohort.name].readout != "stay":
        return [(None, "all", np.arange(len(rows)))]
    parts: list[tuple[int | None, str, np.ndarray]] = []
    for hour in HOURS:
        last = last_rows(rows.stay, rows.end, 60 * hour)
        recorded = recorded_at(cohort, 60 * hour)[rows.stay[last]]
        if len(last):
            parts += [(hour, "recorded", last[recorded]), (hour, "all", last)]
    return parts


def _questions(rows: Rows, *, calibration: bool) -> list[_Question]:
    """What the rows can be asked: durations that are read out of other tasks only where these are not scored."""
    found = []
    for name in rows.tasks:
        scores: dict[str, Score] = {"AUROC": auroc}
        if calibration:
            scores |= {"calibration error": calibration_error, "mean predicted": _mean_predicted}
        found += [
            _Question(f"p_{name}", metric, score, _truth(name), _predicted(name))
            for metric, score in scores.items()
        ]
    if "sepsis" in rows.tasks:
        found.append(_Question("p_sepsis", "utility", normalised_utility, _gains, _alarms))
    if not rows.tasks:
        found += [
            _Question(name, "MAE", absolute_error, _duration(name), _point(name)) for name in rows.durations
        ]
    return found


def _truth(name: str) -> Callable[[Rows], Floats]:
    return lambda rows: rows.tasks[name].truth


def _predicted(name: str) -> Callable[[Rows], Floats]:
    return lambda rows: rows.tasks[name].predicted


def _duration(name: str) -> Callable[[Rows], Floats]:
    return lambda rows: rows.durations[name].truth


def _point(name: str) -> Callable[[Rows], Floats]:
    return lambda rows: rows.durations[name].point


def _mean_predicted(_: Floats, predicted: Floats, weight: Floats) -> Floats:
    return mean(predicted, predicted, weight)


def _gains(rows: Rows) -> Floats:
    return gains(rows.tasks["sepsis"].truth, rows.end / 60, rows.stay)


def _alarms(rows: Rows) -> Floats:
    """1 where a prediction reaches the best threshold of the other half of the people, so that none is tuned on whom it
    is scored on.
    """
    gain, predicted, half = _gains(rows), rows.tasks["sepsis"].predicted, rows.person % 2
    alarms = np.zeros(len(rows))
    for own in (0, 1):
        threshold = best_threshold(gain[half != own], predicted[half != own])
        if threshold is not None:
            alarms[half == own] = predicted[half == own] >= threshold
    return alarms
