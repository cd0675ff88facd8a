"""Small stays whose outcomes can be learnt from, ready for every rival."""

import pytest

from lemof_stream.cohorts import Cohort, read_cohort
from lemof_stream.model import Architecture
from lemof_stream.training.dataset import step_data
from lemof_stream.training.rivals.trained import Ready, Unseen, make_ready, make_unseen
from lemof_stream.training.train import training_data
from tests.recorded_stays import write_stays

TRAIN, TEST = 160, 80


@pytest.fixture(scope="session")
def stays(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Of six hours: a fast heart dies, BUN tells the length of stay."""
    return read_cohort("physionet2012", write_stays(tmp_path_factory.mktemp("stays"), TRAIN + TEST))


@pytest.fixture(scope="session")
def others(stays: Cohort) -> Cohort:
    """The stays that nothing is trained on."""
    return stays.take(range(TRAIN, TRAIN + TEST))


@pytest.fixture(scope="session")
def ready(stays: Cohort) -> Ready:
    data = training_data(stays.take(range(TRAIN)), seed=0)
    return make_ready(data, Architecture(members=2, trees=40), seed=0)


@pytest.fixture(scope="session")
def unseen(others: Cohort, ready: Ready) -> Unseen:
    return make_unseen(step_data(others, ready.model.schema), ready)
