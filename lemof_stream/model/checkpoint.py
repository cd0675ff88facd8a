"""A checkpoint: a folder with weights, a model card, and the checksums of both.

    model.safetensors   tensors only; nothing is ever unpickled
    card.json           schema, architecture, data, splits, metrics, calibration, intended use
    SHA256SUMS          what `sha256sum -c` reads

MODEL_CARD.md and TRIPOD_AI.md, which training writes from card.json, are for people: nothing loads them, so SHA256SUMS
leaves them out.

Loading checks the checksums, then each input against the channel table by name, and refuses with one sentence.
"""

import hashlib
import itertools
import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from lemof_stream.contracts.predictions import ModelInfo
from lemof_stream.errors import CheckpointError
from lemof_stream.model.lemof import Architecture, LeMoF
from lemof_stream.model.predictor import Predictor
from lemof_stream.model.schema import InputSchema
from lemof_stream.model.tasks import TASK_SETS

FORMAT = "lemof-checkpoint/3"
WEIGHTS, CARD, SUMS = "model.safetensors", "card.json", "SHA256SUMS"
SHIPPED = "physionet2012"
"""What the runner loads where nothing is named: its inputs are those that most bedsides have."""
KEPT_BYTES = 31 << 20
"""glibc keeps freed memory for reuse up to twice the largest block that was ever unmapped (32 MB at most). A step frees
and takes some 30 MB; without one such block it gives them back and faults them in again, a tenth of its time."""


def save_checkpoint(folder: Path, model: LeMoF, card: dict[str, Any]) -> None:
    """Write the model and its card, which must hold `name` and `version`."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    described = {
        "format": FORMAT,
        **card,
        "input_schema": model.schema.to_dict(),
        "tasks": model.task_set.cohort,
        "architecture": asdict(model.sizes),
    }
    files = {WEIGHTS: save_tensors(tensors), CARD: json.dumps(described, indent=1).encode() + b"\n"}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / SUMS).write_text("".join(f"{_sha256(content)}  {name}\n" for name, content in files.items()))


def load_for_cohort(cohort: str, folder: Path | None) -> Predictor:
    """Load a checkpoint that predicts what a cohort asks; None loads the one that ships for it.

    Raises:
        CheckpointError: as `load_checkpoint`, or it predicts something else.
    """
    predictor = load_checkpoint(folder or Path(cohort))
    if predictor.tasks.cohort != cohort:
        raise CheckpointError(
            f"The checkpoint {folder} predicts {', '.join(predictor.tasks.columns)}, for the cohort "
            f"{predictor.tasks.cohort}; name one that was trained on {cohort}, or leave --checkpoint out."
        )
    return predictor


def load_checkpoint(folder: Path | None = None) -> Predictor:
    """Load a checkpoint folder, or one inside the package by its cohort's name; None loads `SHIPPED`.

    A folder of such a name, as of a cohort's recordings, is never taken for the one inside: name it by its whole path.

    Raises:
        CheckpointError: it is missing, damaged, of another format, or made for other inputs.
    """
    folder = folder or Path(SHIPPED)
    packaged = Path(str(resources.files("lemof_stream.model"))) / "checkpoints" / folder
    if str(folder) in TASK_SETS and packaged.exists():
        folder = packaged
    weights, card_bytes = (_verified(folder, name) for name in (WEIGHTS, CARD))
    try:
        card = json.loads(card_bytes)
        if card["format"] != FORMAT:
            raise CheckpointError(
                f"The checkpoint {folder} has format {card['format']!r} where {FORMAT!r} is read; "
                f"train it again with `lemof train`."
            )
        schema = InputSchema.from_dict(dict(card["input_schema"]))
        sha256 = _sha256(weights)
        version = f"{card['version']}-{sha256[:8]}"  # two trainings never share a prediction key
        info = ModelInfo(name=card["name"], version=version, sha256=sha256)
        _check_schema(folder, schema)
        model = LeMoF(schema, TASK_SETS[card["tasks"]], Architecture(**card["architecture"]))
        model.load_state_dict(_tensors(weights))
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"The checkpoint {folder} is not one of this program ({type(error).__name__}: {reason}); "
            f"train it again with `lemof train`."
        ) from None
    torch.empty(KEPT_BYTES, dtype=torch.uint8)  # given back at once
    return Predictor(model.eval().requires_grad_(False), schema, info, card)


def _tensors(weights: bytes) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = load_tensors(weights)
    return tensors


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _verified(folder: Path, name: str) -> bytes:
    """The bytes of a file whose checksum is the one in SHA256SUMS."""
    try:
        sums = (folder / SUMS).read_bytes().split()  # checksum, name, checksum, name
        content = (folder / name).read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint {folder} cannot be read ({error.strerror}: {error.filename}); "
            f"point at a folder that `lemof train` wrote."
        ) from None
    if (_sha256(content).encode(), name.encode()) not in itertools.pairwise(sums):
        raise CheckpointError(
            f"The checkpoint file {folder / name} does not have the SHA-256 that {SUMS} names, so it was changed or "
            f"cut off; restore the folder or train it again with `lemof train`."
        )
    return content


def _check_schema(folder: Path, schema: InputSchema) -> None:
    contradiction = schema.contradiction()
    if contradiction is not None:
        raise CheckpointError(
            f"The checkpoint {folder} was trained for other inputs: {contradiction}; "
            f"train it again with `lemof train`."
        )
