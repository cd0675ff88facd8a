"""The spans of one cycle of the runner: one of its own, and one in the trace of each sampled window."""

from collections.abc import Collection, Mapping
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context

from lemof_stream.telemetry.tracing import (
    NO_HEADERS,
    Headers,
    headers_of,
    link_to,
    receiving,
    sampled_context,
)

# What OpenTelemetry keeps of a span's links. A sender that samples everything costs a cycle at most so many spans.
_WINDOWS: Final = 128


class CycleTrace:
    """Made for each cycle while tracing is on; makes no span for a cycle without a sampled window."""

    def __init__(self, tracer: trace.Tracer, began_ns: int) -> None:
        self._tracer = tracer
        self._began = began_ns
        self._cycle: trace.Span | None = None
        self._spans: list[tuple[int, trace.Span]] = []
        self._headers: dict[str, Headers] = {}

    def window(
        self, headers: Headers, origin: tuple[str, int, int], stay_id: str | None, outcome: str
    ) -> None:
        """A window was taken. `origin`: topic, partition, offset."""
        if not headers or len(self._spans) == _WINDOWS:
            return
        context = sampled_context(headers)
        if context is None:
            return
        if self._cycle is None:
            self._cycle = self._tracer.start_span("cycle", Context(), start_time=self._began)
        self._cycle.add_link(link_to(context).context)
        topic, partition, offset = origin
        span = self._tracer.start_span(
            f"process {topic}",
            context,
            kind=trace.SpanKind.CONSUMER,
            attributes=receiving(topic, partition, offset, stay_id, outcome),
            links=[trace.Link(self._cycle.get_span_context())],
            start_time=self._began,
        )
        self._spans.append((partition, span))
        if stay_id is not None and outcome == "predicted":
            self._headers[stay_id] = headers_of(span)

    def headers(self, stay_id: str) -> Headers:
        """What a prediction of this stay carries: the trace of its last sampled window of the cycle."""
        return self._headers.get(stay_id, NO_HEADERS)

    def end(self, stages: Mapping[str, float], inputs: int, failed: Collection[int]) -> None:
        """The cycle has ended. `stages`: seconds, in their order; `failed`: partitions that were not committed."""
        if self._cycle is None:
            return
        inside = trace.set_span_in_context(self._cycle, Context())
        at = self._began
        for stage, seconds in stages.items():
            span = self._tracer.start_span(stage, inside, start_time=at)
            at += round(seconds * 1e9)
            span.end(at)
        for partition, span in self._spans:
            if partition in failed:
                span.set_status(trace.StatusCode.ERROR, "the transaction was not committed")
            span.end(at)
        self._cycle.set_attribute("lemof.inputs", inputs)
        self._cycle.end(at)
