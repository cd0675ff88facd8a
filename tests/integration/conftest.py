"""The shipped checkpoint, loaded once."""

import pytest

from lemof_stream.model import load_checkpoint
from lemof_stream.model.predictor import Predictor


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    return load_checkpoint()
