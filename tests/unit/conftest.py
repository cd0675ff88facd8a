"""The shipped checkpoint, loaded once."""

import pytest

from lemof_stream.model.checkpoint import load_checkpoint
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.runner import Runner


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    return load_checkpoint()


@pytest.fixture
def runner(predictor: Predictor) -> Runner:
    return Runner(predictor)
