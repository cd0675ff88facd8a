"""What a process says about itself, with pseudonyms in place of stay ids: structured logs, metrics, traces.

`metrics`, `serving` and `tracing` are imported from their modules, by those who need their libraries.
"""

from lemof_stream.telemetry.logs import configure_logs, get_logger
from lemof_stream.telemetry.pseudonyms import pseudonym

__all__ = ["configure_logs", "get_logger", "pseudonym"]
