"""A stay's state as bytes and back: safetensors, whose header carries the scalars and which never unpickles.

K kept steps that hold inputs, W ids of all of them
"""

import json
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, TensorSpec, serialize
from safetensors.torch import load
from torch import Tensor

from lemof_stream.contracts.operations import SnapshotHeader
from lemof_stream.errors import CheckpointError, MessageError
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.slab import Slab
from lemof_stream.runner.stay import Kept, Stay

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NEVER: Final = -(2**63)
_TYPES: Final = {
    np.dtype(name).char: name for name in ("float32", "float64", "int32", "int64", "uint16", "uint8")
}
_SCALARS: Final = tuple(
    SnapshotHeader.model_fields.keys() - {"schema_version", "model_sha256", "inputs_sha256", "scaling_sha256"}
)


def pack(stay: Stay, slab: Slab, predictor: Predictor) -> bytes:
    """Everything that is needed to go on with this stay elsewhere."""
    scalars = {name: getattr(stay, name) for name in _SCALARS}
    header = SnapshotHeader(
        model_sha256=predictor.info.sha256,
        inputs_sha256=predictor.schema.sha256,
        scaling_sha256=predictor.scaling_sha256,
        **scalars,
    )
    arrays = slab.export(stay.slot, stay.kept, with_base=stay.base > 0) | _pack_kept(stay.kept)
    return _saved(arrays, header.to_bytes().decode())


def unpack(value: bytes, partition: int, slab: Slab, predictor: Predictor) -> Stay:
    """Take a packed stay into the slab; one that another model wrote is rewound, as a model that takes over does.

    Raises:
        CheckpointError: the bytes are no snapshot of this version, or of a model with other inputs.
    """
    tensors, header = _read(value)
    same_model = header.model_sha256 == predictor.info.sha256
    if not same_model and header.inputs_sha256 != predictor.schema.sha256:
        raise CheckpointError(
            f"The snapshot was written by model {header.model_sha256[:12]}, whose inputs are not those of "
            f"{predictor.info.sha256[:12]}, which is due; use a consumer group of its own for each kind of inputs."
        )
    scalars = {name: getattr(header, name) for name in _SCALARS}
    slot = slab.allocate()
    try:
        stay = Stay(partition=partition, slot=slot, kept=_unpack_kept(tensors), **scalars)
        shared = None if same_model else predictor.shared_state(header.scaling_sha256)
        slab.take_in(slot, tensors, shared, with_base=stay.base > 0)
    except (KeyError, ValueError, IndexError, RuntimeError, OverflowError) as error:
        slab.free([slot])
        raise _unreadable(error) from None
    if not same_model:
        stay.rewind()
    return stay


def _saved(arrays: dict[str, npt.NDArray[Any]], header: str) -> bytes:
    """What `safetensors.numpy.save` gives, which takes half of its time to name the types of so many small arrays."""
    own = {
        name: TensorSpec(
            dtype=_TYPES[array.dtype.char],
            shape=array.shape,
            data_ptr=array.__array_interface__["data"][0],
            data_len=array.nbytes,
        )
        for name, array in arrays.items()
    }
    return bytes(serialize(own, metadata={"lemof": header}))


def _read(value: bytes) -> tuple[dict[str, Tensor], SnapshotHeader]:
    """Tensors, and the metadata that safetensors keeps in a JSON header behind 8 bytes of its length."""
    try:
        tensors = load(value)  # checks every length and offset
        length = int.from_bytes(value[:8], "little")
        header = json.loads(value[8 : 8 + length])["__metadata__"]["lemof"]
        return tensors, SnapshotHeader.from_bytes(header.encode())
    except (SafetensorError, MessageError, KeyError, ValueError) as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> CheckpointError:
    return CheckpointError(
        f"The snapshot cannot be read ({type(error).__name__}); its stay is rebuilt from its inputs."
    )


def _pack_kept(kept: dict[int, Kept]) -> dict[str, npt.NDArray[Any]]:
    steps = sorted(kept)
    own = [kept[step] for step in steps]
    seen = [mark for one in own for mark in sorted(one.seen)]
    whole = [
        (step, _ticks(kept[step].newest), kept[step].observations, len(kept[step].seen)) for step in steps
    ]
    return {
        "kept": np.array(whole, dtype=np.int64).reshape(-1, 4),
        "kept.minutes": np.array([one.minutes for one in own], dtype=np.float64),
        # as torch, which reads them back, has no unsigned 64-bit arithmetic to speak of
        "kept.seen": (np.array(seen, dtype=np.uint64) - np.uint64(2**63)).view(np.int64),
    }


def _unpack_kept(tensors: dict[str, Tensor]) -> dict[int, Kept]:
    seen = [mark + 2**63 for mark in tensors["kept.seen"].tolist()]
    whole, minutes = tensors["kept"].tolist(), tensors["kept.minutes"].tolist()
    ends = accumulate(count for *_, count in whole)
    return {
        step: Kept(count, observations, _instant(newest), late, set(seen[end - count : end]))
        for (step, newest, observations, count), late, end in zip(whole, minutes, ends, strict=True)
    }


def _ticks(instant: datetime | None) -> int:
    return _NEVER if instant is None else (instant - _EPOCH) // _MICROSECOND


def _instant(ticks: int) -> datetime | None:
    return None if ticks == _NEVER else _EPOCH + ticks * _MICROSECOND
