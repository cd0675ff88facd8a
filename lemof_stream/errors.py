"""Every error that a user can mend.

    LemofError
    ├── ConfigError        a flag, a setting or a settings file
    ├── DataError          a folder or a file of recordings
    ├── CheckpointError    a checkpoint that cannot be trusted or does not fit
    ├── BrokerError        Kafka: not reachable, not startable, topics missing
    └── MessageError       one message that cannot be used; its `reason` goes to the dead letters

The text is one sentence: what was wrong, where, what to do. The command line prints it and exits 2.
"""


class LemofError(Exception):
    """Base of the tree above."""


class ConfigError(LemofError):
    """A flag, a setting or a settings file is wrong."""


class DataError(LemofError):
    """A folder or file of recordings cannot be read as what it should be."""


class CheckpointError(LemofError):
    """A checkpoint is damaged, of another format, or does not fit this code."""


class BrokerError(LemofError):
    """Kafka cannot be started, reached, or lacks what is needed."""


class MessageError(LemofError):
    """One message cannot be used. `reason` is the short word that dead letters are counted by."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
