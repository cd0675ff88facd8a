"""The shipped checkpoint, and another that may take over from it, loaded once."""

from pathlib import Path

import pytest

from lemof_stream.model import load_checkpoint
from lemof_stream.model.predictor import Predictor
from tests.checkpoints import write_other


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    return load_checkpoint()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The other checkpoint."""
    return write_other(tmp_path_factory.mktemp("other"))


@pytest.fixture(scope="session")
def other(folder: Path) -> Predictor:
    return load_checkpoint(folder)
