"""Logs: one JSON object a line on standard error, those of the libraries among them."""

import logging
import sys
from typing import Any, Final

import structlog
from aiokafka.errors import KafkaError

from lemof_stream.settings import Settings
from lemof_stream.telemetry.pseudonyms import use_key

_SHARED: Final[list[structlog.typing.Processor]] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(settings: Settings) -> None:
    """Send every log record of this process to standard error as JSON, and key its pseudonyms."""
    use_key(settings.pseudonym_key)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Repeats())
    handler.addFilter(_news)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_values,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    # Kafka's client says at INFO what the worker says itself, and at DEBUG it would write keys and values.
    logging.getLogger("aiokafka").setLevel(logging.WARNING)


class Repeats(logging.Filter):
    """Lets the same complaint of Kafka's client through once in ten seconds: it makes it at every attempt."""

    _EVERY_S: Final = 10.0

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written."""
        if not record.name.startswith("aiokafka"):
            return True
        place = record.pathname, record.lineno
        if record.created - self._last.get(place, 0.0) < self._EVERY_S:
            return False
        self._last[place] = record.created
        return True


def _news(record: logging.LogRecord) -> bool:
    """Not the futures of a producer that was fenced: the failure of its transaction has been told."""
    error = record.exc_info[1] if record.exc_info else None
    forgotten = record.name == "asyncio" and record.getMessage().startswith("Future exception was never")
    return not (forgotten and isinstance(error, KafkaError))


def get_logger(name: str) -> Any:
    """A structlog logger; events are short sentences, facts are keyword arguments."""
    return structlog.get_logger(name)


def _without_values(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Of an exception keep its type and where it was raised: its text may quote a message, and that names a stay."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, BaseException):
        error = (type(error), error, error.__traceback__)
    if error and error[0] is not None:
        event["error"] = error[0].__name__
        trace = error[2]
        frames = []
        while trace is not None:
            frames.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
            trace = trace.tb_next
        event["at"] = frames[-5:]  # the innermost calls: where it broke and who asked
    return event
