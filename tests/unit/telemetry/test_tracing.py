import json

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import StatusCode

from lemof_stream.telemetry.cycle_trace import CycleTrace
from lemof_stream.telemetry.tracing import Headers, sampled_context, sending, tracer_from_environment
from tests.tracers import Traced, ids, linked, parent_ids

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
STAGES = {"fetch": 0.5, "commit": 0.25}


def carrying(flags: str = "01", trace: str = TRACE) -> Headers:
    return [("other", b"x"), ("traceparent", f"00-{trace}-{SPAN}-{flags}".encode())]


@pytest.mark.parametrize(
    "headers",
    [
        (),
        carrying("00"),
        carrying("02"),
        [("traceparent", b"\xff\xfe")],
        [("traceparent", None)],
        [("traceparent", b"00-" + b"0" * 32 + b"-" + SPAN.encode() + b"-01")],
        [("traceparent", b"0" * 10_000)],
    ],
)
def test_what_is_not_sampled_or_no_context_begins_nothing(headers: Headers) -> None:
    assert sampled_context(headers) is None


@pytest.mark.parametrize("flags", ["01", "03"])
def test_a_sampled_context_is_taken_whatever_else_its_flags_say(flags: str) -> None:
    assert sampled_context(carrying(flags)) is not None


def test_the_head_decides_and_what_it_does_not_sample_carries_nothing() -> None:
    assert sending(Traced(ALWAYS_OFF).tracer, "topic", 0, "bed") == ()
    [(name, value)] = sending(Traced().tracer, "topic", 0, "bed")
    assert name == "traceparent"
    assert value.startswith(b"00-")


def test_a_window_s_span_continues_its_trace_and_predictions_of_its_stay_carry_it_on() -> None:
    traced = Traced()
    cycle = CycleTrace(traced.tracer, began_ns=10**18)
    cycle.window(carrying(), ("topic", 2, 7), "bed", "predicted")
    cycle.window((), ("topic", 2, 8), "other", "predicted")
    [(_, value)] = cycle.headers("bed")
    assert cycle.headers("other") == ()
    cycle.end(STAGES, 2, failed=())
    [span] = traced.spans("process topic")
    assert parent_ids(span) == (TRACE, SPAN)
    assert value.decode().split("-")[1:3] == list(ids(span))
    assert (span.start_time, span.end_time) == (10**18, 10**18 + 750_000_000)
    [root] = traced.spans("cycle")
    assert (linked(root), linked(span)) == ({(TRACE, SPAN)}, {ids(root)})
    stages = {stage.name: stage for stage in traced.spans() if parent_ids(stage) == ids(root)}
    assert list(stages) == list(STAGES)
    assert stages["fetch"].end_time == stages["commit"].start_time


def test_a_duplicate_is_traced_and_no_prediction_is_said_to_come_from_it() -> None:
    traced = Traced()
    cycle = CycleTrace(traced.tracer, began_ns=1)
    cycle.window(carrying(), ("topic", 0, 0), "bed", "duplicate")
    assert cycle.headers("bed") == ()
    cycle.end(STAGES, 1, failed=())
    [span] = traced.spans("process topic")
    assert span.attributes is not None
    assert span.attributes["lemof.outcome"] == "duplicate"


def test_a_transaction_that_failed_is_an_error_in_the_traces_of_its_partition_alone() -> None:
    traced = Traced()
    cycle = CycleTrace(traced.tracer, began_ns=1)
    for partition in (0, 1):
        cycle.window(carrying(), ("topic", partition, 0), f"bed-{partition}", "predicted")
    cycle.end(STAGES, 2, failed={1})
    statuses = [span.status.status_code for span in traced.spans("process topic")]
    assert statuses == [StatusCode.UNSET, StatusCode.ERROR]


def test_a_cycle_traces_a_bounded_number_of_windows() -> None:
    traced = Traced()
    cycle = CycleTrace(traced.tracer, began_ns=1)
    for number in range(1000):
        cycle.window(carrying(trace=f"{number + 1:032x}"), ("topic", 0, number), "bed", "predicted")
    cycle.end(STAGES, 1000, failed=())
    assert 0 < len(traced.spans("process topic")) < 200


def test_a_cycle_without_a_sampled_window_has_no_spans() -> None:
    traced = Traced()
    cycle = CycleTrace(traced.tracer, began_ns=1)
    cycle.window(carrying("00"), ("topic", 0, 0), "bed", "predicted")
    cycle.end(STAGES, 1, failed=())
    assert traced.spans() == []


def test_no_identifiers_leak_into_spans() -> None:
    traced = Traced()
    sending(traced.tracer, "topic", 0, "Jane-Roe-Zowie")
    cycle = CycleTrace(traced.tracer, began_ns=1)
    cycle.window(carrying(), ("topic", 0, 0), "Jane-Roe-Zowie", "predicted")
    cycle.end(STAGES, 1, failed=())
    told = [json.loads(span.to_json()) for span in traced.spans()]
    named = [span["attributes"]["lemof.stay"] for span in told if "lemof.stay" in span["attributes"]]
    assert len(named) == 2
    assert len(set(named)) == 1
    assert "Zowie" not in json.dumps(told)
    assert "Roe" not in json.dumps(told)


def test_tracing_is_off_unless_the_environment_names_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert tracer_from_environment("lemof-run", head=False) is None
