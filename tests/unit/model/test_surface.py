"""What `lemof_stream.model` offers to others, and what it may not lean on."""

import subprocess
import sys

import lemof_stream.model


def test_every_exported_name_exists() -> None:
    assert all(hasattr(lemof_stream.model, name) for name in lemof_stream.model.__all__)


def test_the_model_imports_no_kafka_and_no_training() -> None:
    code = "import sys, lemof_stream.model; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"aiokafka", "faust", "lemof_stream.training", "sklearn"} & set(loaded)
