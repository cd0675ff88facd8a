"""Tracers whose spans stay in the test's own process."""

from collections.abc import Iterable, Sequence

from aiokafka import ConsumerRecord
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.trace import Tracer

Ids = tuple[str, str]
"""Trace and span, in hexadecimal."""


class Traced:
    """A tracer and what it has exported."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer: Tracer = provider.get_tracer("tests")

    def spans(self, name: str | None = None) -> Sequence[ReadableSpan]:
        """Those that have ended, by name where one is given."""
        found = self._exporter.get_finished_spans()
        return [span for span in found if name is None or span.name == name]


def ids(span: ReadableSpan) -> Ids:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def parent_ids(span: ReadableSpan) -> Ids | None:
    return None if span.parent is None else (f"{span.parent.trace_id:032x}", f"{span.parent.span_id:016x}")


def linked(span: ReadableSpan) -> set[Ids]:
    return {(f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in span.links}


def carried(record: "ConsumerRecord[bytes, bytes]") -> Ids | None:
    """What a record's `traceparent` names; it has to be sampled and of W3C's version 00."""
    values: Iterable[bytes] = (value for name, value in record.headers if name == "traceparent")
    for value in values:
        version, trace, span, flags = value.decode().split("-")
        assert version == "00"
        assert int(flags, 16) & 1
        return trace, span
    return None
