"""What keeps the service honest: dead letters, the ledger, and snapshots of patient state."""

from typing import Annotated, Self

from pydantic import Base64Bytes, Field, model_validator

from lemof_stream.contracts.message import Identifier, Instant, Message, contradiction
from lemof_stream.contracts.predictions import ModelInfo

Count = Annotated[int, Field(ge=0)]


class DeadLetter(Message):
    """A message that could not be used, with its original bytes, so that it can be corrected and sent again."""

    reason: str
    """A short word to count by: `unreadable`, `implausible`, `late`, ..."""
    detail: str
    """One sentence for a person. It names no value and no stay."""
    consumer: str
    """The consumer group that gave up on it."""
    topic: str
    partition: Count
    offset: Count
    timestamp: Instant
    """When the broker or producer stamped the original."""
    key: Base64Bytes | None
    value: Base64Bytes | None


class LedgerEntry(Message):
    """What one transaction did with one partition's vital windows: offsets [first_offset, next_offset)."""

    group: str
    topic: str
    partition: Count
    first_offset: Count
    next_offset: Count
    received: Count
    predicted: Count
    duplicate: Count
    late: Count
    rejected: Count
    model: ModelInfo | None = None
    """The checkpoint that was in charge; None in entries of earlier versions."""
    inputs_sha256: str | None = None
    """Of its input schema."""

    @model_validator(mode="after")
    def _balances(self) -> Self:
        if self.received != self.predicted + self.duplicate + self.late + self.rejected:
            raise contradiction("received is not predicted + duplicate + late + rejected")
        return self


class SnapshotHeader(Message):
    """The scalars of a stay's state, in the metadata of a snapshot's safetensors; the marks are `runner.stay`'s."""

    model_sha256: str
    inputs_sha256: str | None = None
    """Of the input schema: another model of the same one can go on with the stay."""
    scaling_sha256: str | None = None
    """Of the scaling of inputs: with another one, running features mean something else."""
    stay_id: Identifier
    ward: str
    admitted_at: Instant
    discharged_at: Instant | None
    open: Count
    live: Count
    base: Count
    emit_from: Count
    base_inputs: Count
    live_inputs: Count
    base_observations: Count
    live_observations: Count
    base_newest: Instant | None
    live_newest: Instant | None
    heard: Instant | None
    facts: Count
    admissions: Count
