"""Small stays whose outcomes can be learnt from, ready for every rival."""

import pytest

from lemof_stream.cohorts import Cohort, read_cohort
from lemof_stream.model import Architecture
from lemof_stream.training.rivals.experiment import Ready, make_ready
from tests.recorded_stays import write_stays

TRAIN, TEST = 160, 80


@pytest.fixture(scope="session")
def stays(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Of six hours: a fast heart dies, BUN tells the length of stay."""
    return read_cohort("physionet2012", write_stays(tmp_path_factory.mktemp("stays"), TRAIN + TEST))


@pytest.fixture(scope="session")
def unseen(stays: Cohort) -> Cohort:
    """The stays that nothing is trained on."""
    return stays.take(range(TRAIN, TRAIN + TEST))


@pytest.fixture(scope="session")
def ready(stays: Cohort, unseen: Cohort) -> Ready:
    return make_ready(stays.take(range(TRAIN)), unseen, Architecture(members=2, trees=40), seed=0)
