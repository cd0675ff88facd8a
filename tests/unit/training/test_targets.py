"""What a cohort must know to be trained on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lemof_stream.cohorts import Cohort, read_cohort
from lemof_stream.cohorts.cohort import StepTargets
from lemof_stream.errors import DataError
from lemof_stream.model import TASK_SETS
from lemof_stream.training.targets import check_targets
from tests.recorded_stays import write_stays

STAYS = 50


@pytest.fixture
def stays(tmp_path: Path) -> Cohort:
    return read_cohort("physionet2012", write_stays(tmp_path, STAYS))


def with_targets(cohort: Cohort, values: list[float]) -> Cohort:
    """Every stay has these values at its first steps."""
    stay = np.repeat(np.arange(STAYS, dtype=np.int32), len(values))
    step = np.tile(np.arange(1, len(values) + 1, dtype=np.int32), STAYS)
    return replace(cohort, step_targets=StepTargets(stay, step, np.tile(values, STAYS)))


def test_remaining_hours_must_be_known_in_every_bin(stays: Cohort) -> None:
    edges = TASK_SETS["eicu"].edges
    check_targets(with_targets(stays, [*edges, 150.0]), TASK_SETS["eicu"])
    with pytest.raises(DataError, match="0 stays with a remaining stay of 24 to 36 hours, fewer than the 20"):
        check_targets(with_targets(stays, [e for e in (*edges, 150.0) if e != 36.0]), TASK_SETS["eicu"])


def test_remaining_hours_must_be_known_at_all(stays: Cohort) -> None:
    with pytest.raises(DataError, match="0 stays with a remaining stay of at most 6 hours"):
        check_targets(stays, TASK_SETS["eicu"])


def test_there_must_be_septic_stays_and_others(stays: Cohort) -> None:
    tasks = TASK_SETS["sepsis2019"]
    with pytest.raises(DataError, match="0 stays with sepsis"):
        check_targets(with_targets(stays, [0.0, 0.0]), tasks)
    everyone = with_targets(stays, [0.0, 1.0])
    with pytest.raises(DataError, match="none of them septic"):
        check_targets(everyone, tasks)
    targets = everyone.step_targets
    assert targets is not None
    half = targets._replace(value=np.where(targets.stay < STAYS // 2, targets.value, 0.0))
    check_targets(replace(everyone, step_targets=half), tasks)
