"""What a process says about itself: structured logs that carry pseudonyms in place of stay ids."""

from lemof_stream.telemetry.logs import configure_logs, get_logger
from lemof_stream.telemetry.pseudonyms import pseudonym

__all__ = ["configure_logs", "get_logger", "pseudonym"]
