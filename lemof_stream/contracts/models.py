"""Which checkpoint the runners of a consumer group are to run."""

from typing import Annotated

from pydantic import Field

from lemof_stream.contracts.message import Instant, Message, Part
from lemof_stream.contracts.predictions import ModelInfo


class ChosenModel(Part):
    """A checkpoint, and how to know it again."""

    folder: Annotated[str, Field(min_length=1)]
    """Where every host of the group finds it: a folder, or the cohort of one that ships in the package."""
    model: ModelInfo
    inputs_sha256: str
    """Of its input schema, which cannot change while a group has stays."""


class ModelRecord(Message):
    """What a group is to run, keyed by group. None stands for the checkpoint that each process was started with."""

    group: str
    current: ChosenModel | None
    previous: ChosenModel | None
    """What a rollback goes back to."""
    chosen_at: Instant

    def key(self) -> bytes:
        """The compaction key: the group."""
        return self.group.encode()
