"""OpenTelemetry traces, their context in Kafka headers as W3C writes it (`traceparent`).

The head decides: whoever sends a window samples it or not, and only one that was sampled carries a header. From there
on every span of its trace is made, so nothing downstream draws again. Spans name stays by their pseudonyms.
`tracestate` is dropped, which W3C allows: what other systems write there is not ours to publish.
"""

import os
from collections.abc import Sequence
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from lemof_stream.telemetry.pseudonyms import pseudonym

Headers = Sequence[tuple[str, bytes]]
"""Those of a Kafka record."""

NO_HEADERS: Final[Headers] = ()
TRACEPARENT: Final = "traceparent"

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# A process that ends waits for the batch under way and the last one: with a collector that is away, at 10 s each (the
# exporter's own default), `docker stop` would kill it.
_TIMEOUT_S: Final = "2"
_PROPAGATOR: Final = TraceContextTextMapPropagator()


def tracer_from_environment(service: str, *, head: bool) -> trace.Tracer | None:
    """A tracer as the standard `OTEL_*` variables say; None where they name nobody to send spans to.

    `head`: it begins traces, and samples them by `OTEL_TRACES_SAMPLER`.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    # Half a second of imports, for those who trace only.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    os.environ.setdefault("OTEL_EXPORTER_OTLP_TIMEOUT", _TIMEOUT_S)
    name = os.environ.get("OTEL_SERVICE_NAME") or service
    provider = TracerProvider(
        sampler=None if head else ALWAYS_ON, resource=Resource.create({SERVICE_NAME: name})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("lemof_stream")


def sampled_context(headers: Headers) -> Context | None:
    """The context that a record carries, if its sender samples the trace."""
    for name, value in headers:
        if name == TRACEPARENT:
            context = _PROPAGATOR.extract({TRACEPARENT: (value or b"").decode("ascii", "replace")}, Context())
            return context if _span_context(context).trace_flags.sampled else None
    return None


def headers_of(span: trace.Span) -> Headers:
    """What carries a span on in a Kafka record; nothing where it is not sampled."""
    if not span.get_span_context().trace_flags.sampled:
        return NO_HEADERS
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(span, Context()))
    return [(TRACEPARENT, carrier[TRACEPARENT].encode())]


def sending(tracer: trace.Tracer, topic: str, partition: int, stay_id: str) -> Headers:
    """Begin a trace with a message that is being sent; returns the headers that it is to carry."""
    span = tracer.start_span(
        f"send {topic}",
        Context(),
        kind=trace.SpanKind.PRODUCER,
        attributes=_kafka(topic, partition) | {"lemof.stay": pseudonym(stay_id)},
    )
    span.end()
    return headers_of(span)


def receiving(
    topic: str, partition: int, offset: int, stay_id: str | None, outcome: str
) -> dict[str, str | int]:
    """Attributes of a span about a message that was received."""
    about = _kafka(topic, partition) | {"messaging.kafka.offset": offset, "lemof.outcome": outcome}
    return about if stay_id is None else about | {"lemof.stay": pseudonym(stay_id)}


def link_to(context: Context) -> trace.Link:
    """A link to the span of a context."""
    return trace.Link(_span_context(context))


def _span_context(context: Context) -> trace.SpanContext:
    return trace.get_current_span(context).get_span_context()


def _kafka(topic: str, partition: int) -> dict[str, str | int]:
    """By the semantic conventions of messaging."""
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
    }
