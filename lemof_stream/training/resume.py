"""What a training has done so far, so that one that was killed goes on where it was.

A folder `.training` beside the checkpoint, with one file a stage, replaced as a whole after every epoch: tensors as
safetensors, everything else as JSON in the file's header. Nothing is ever unpickled.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

FOLDER, KEY = ".training", "key"


@dataclass(frozen=True)
class Saved:
    """State of a stage: tensors by name, and facts that JSON can hold."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin with a prefix and a dot, without both."""
        start = f"{prefix}."
        return {name.removeprefix(start): t for name, t in self.tensors.items() if name.startswith(start)}


class SavedStages:
    """The stages of one training, which `key` tells from others: another key's are thrown away.

    `found`: stages of this training are there. `outdated`: another training's were.
    """

    def __init__(self, out: Path, key: str) -> None:
        self.folder = out / FOLDER
        held = self.folder / KEY
        self.found = held.is_file() and held.read_text() == key
        self.outdated = self.folder.exists() and not self.found
        if not self.found:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            held.write_text(key)

    def load(self, stage: str) -> Saved | None:
        """What was saved of a stage last; None where nothing was."""
        file = self._file(stage)
        if not file.exists():
            return None
        with safe_open(file, "pt") as held:
            tensors = {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118 - it is no dict
            return Saved(tensors, json.loads(held.metadata()["facts"]))

    def save(self, stage: str, saved: Saved) -> None:
        """Replace what is held of a stage."""
        file = self._file(stage)
        new = file.with_suffix(".new")
        tensors = {name: tensor.contiguous() for name, tensor in saved.tensors.items()}
        save_file(tensors, new, metadata={"facts": json.dumps(saved.facts)})
        with new.open("rb") as written:
            os.fsync(written.fileno())  # before the name points to it: a machine may stop, too
        new.replace(file)

    def remove(self) -> None:
        """Forget the training: it is done."""
        shutil.rmtree(self.folder)

    def _file(self, stage: str) -> Path:
        return self.folder / f"{stage}.safetensors"
