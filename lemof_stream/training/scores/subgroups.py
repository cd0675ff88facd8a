"""Scores of patients by sex, age and unit type."""

from typing import Any

import numpy as np

from lemof_stream.cohorts import Cohort
from lemof_stream.contracts.ehr import Demographics
from lemof_stream.training.scores.blocks import blocks
from lemof_stream.training.scores.rows import Rows

AGES = ((45, "<45"), (65, "45-64"), (80, "65-79"), (np.inf, "80+"))
UNKNOWN = "unknown"
SMALL_PEOPLE, SMALL_CLASS = 100, 10
"""Below these, people and rows of the rarer class, a group's scores mostly tell chance."""


def subgroups(rows: Rows, cohort: Cohort) -> dict[str, Any]:
    """By factor, then group; `small` names the groups of which little can be said."""
    return {
        factor: _groups(rows, np.array([group(d) for d in cohort.demographics])[rows.stay])
        for factor, group in (("sex", _sex), ("age", _age), ("unit_type", _unit))
    }


def _groups(rows: Rows, group: np.ndarray[Any, np.dtype[np.str_]]) -> dict[str, Any]:
    scores = {}
    for name in sorted(set(group.tolist()), key=_place):
        own = rows.take(group == name)
        scores[name] = {"small": _small(own)} | blocks(own)
    return scores


def _small(rows: Rows) -> bool:
    rarer = [min(np.nansum(t.truth == 0), np.nansum(t.truth == 1)) for t in rows.tasks.values()]
    few = len(np.unique(rows.person)) < SMALL_PEOPLE
    return few or bool(min(rarer, default=SMALL_CLASS) < SMALL_CLASS)


def _place(name: str) -> tuple[bool, int, str]:
    ages = [label for _, label in AGES]
    return name == UNKNOWN, ages.index(name) if name in ages else 0, name


def _sex(demographics: Demographics) -> str:
    return UNKNOWN if demographics.sex is None else ("female", "male")[demographics.sex]


def _age(demographics: Demographics) -> str:
    if demographics.age is None:
        return UNKNOWN
    return next(label for below, label in AGES if demographics.age < below)


def _unit(demographics: Demographics) -> str:
    return demographics.unit_type or UNKNOWN
