"""What an experiment is given, and what it gives back.

N stays, T steps
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lemof_stream.cohorts import Cohort
from lemof_stream.errors import DataError
from lemof_stream.model.lemof import Architecture
from lemof_stream.training.epochs import Log, Progress
from lemof_stream.training.metrics import Estimate
from lemof_stream.training.recipe import Recipe, default_config

SIZES = Architecture(members=4, trees=200)
RECIPE = replace(default_config("physionet2012").recipe, epochs=3, fusion_epochs=4, boosted_rows=40_000)
"""Smaller and shorter than what is shipped, so that an experiment of some ten variants takes some ten minutes of one
core; all variants of one experiment share them."""
TRAINING_SHARE = 0.7
"""Of the people, where one data set is given for both."""


@dataclass(frozen=True)
class Variant:
    """One row of the table: predictions of the test stays, a table (see `predict`) a seed, and other figures."""

    name: str
    tables: list[pa.Table] = field(default_factory=list)
    figures: dict[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """`read` gives the stays to train on and those to score on; it is called by who needs them, once."""

    read: Callable[[], tuple[Cohort, Cohort]]
    seeds: tuple[int, ...]
    progress: Progress
    sizes: Architecture = SIZES
    recipe: Recipe = RECIPE
    waveforms: tuple[Path, ...] = ()
    """Folders of recordings, for the experiment that is about them."""

    @cached_property
    def cohorts(self) -> tuple[Cohort, Cohort]:
        """Training and test stays.

        Raises:
            DataError: a person is in both.
        """
        train, test = self.read()
        both = set(train.person) & set(test.person)
        if both:
            raise DataError(
                f"{len(both)} people are in the stays to train on and in those to score on, {min(both)} among them; "
                f"name folders that share nobody."
            )
        return train, test

    @property
    def train(self) -> Cohort:
        return self.cohorts[0]

    @property
    def test(self) -> Cohort:
        return self.cohorts[1]

    def part(self, name: str) -> Log:
        """What the training of one variant tells, by its name."""
        return Log(lambda stage, share: self.progress(f"{name}: {stage}", share))


@dataclass(frozen=True)
class Experiment:
    """`run` compares every variant with the first that it returns."""

    name: str
    sentence: str
    run: Callable[[Setting], list[Variant]]
    notes: tuple[str, ...] = ()
    calibration: bool = False
    """Whether what changes may also change how large probabilities are."""
    shipped: bool = False
    """Whether variants are trained as a cohort's checkpoint is, at some four times the cost."""
    waveforms: bool = False
    """Whether it is about recordings of waveforms (`bidmc`), not about a cohort of stays."""
    estimates: str = "medians, with quartiles where measured repeatedly"
    """What its figures are."""

    def recipe(self, cohort: str) -> tuple[Architecture, Recipe]:
        """What its variants are trained with."""
        if not self.shipped:
            return SIZES, RECIPE
        config = default_config(cohort)
        return config.architecture, config.recipe


def merged(folds: Sequence[list[Variant]]) -> list[Variant]:
    """The variants of every fold as one: a variant's predictions of all folds' stays, seed by seed."""
    found = []
    for same in zip(*folds, strict=True):
        seeds = zip(*(variant.tables for variant in same), strict=True)
        found.append(replace(same[0], tables=[pa.concat_tables(seed) for seed in seeds]))
    return found


def split_people(cohort: Cohort) -> tuple[Cohort, Cohort]:
    """Training and test stays of one data set, nobody in both; the same every time."""
    place = _places(cohort)
    return _parted(cohort, place >= TRAINING_SHARE)


def fold_people(cohort: Cohort, folds: int) -> list[tuple[Cohort, Cohort]]:
    """Training and test stays of every fold: each person is tested on once; the same every time."""
    fold = (_places(cohort) * folds).astype(int)
    return [_parted(cohort, fold == k) for k in range(folds)]


def _places(cohort: Cohort) -> NDArray[np.float64]:
    """[N] where in a random order of people, from 0 to below 1, a stay's person comes."""
    people = np.unique(cohort.person, return_inverse=True)[1]
    order = np.random.default_rng(0).permutation(int(people.max(initial=-1)) + 1)
    return np.asarray(order[people] / max(len(order), 1))


def _parted(cohort: Cohort, test: NDArray[np.bool_]) -> tuple[Cohort, Cohort]:
    return cohort.take(np.flatnonzero(~test)), cohort.take(np.flatnonzero(test))


def described(cohort: Cohort) -> dict[str, Any]:
    """A cohort for the report."""
    return {
        "cohort": cohort.name,
        "stays": len(cohort),
        "people": len(set(cohort.person)),
        "stay_ids": f"{min(cohort.stay_ids)} to {max(cohort.stay_ids)}",
    }
