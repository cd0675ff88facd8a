"""Traces from the simulator's window to the prediction, through a real Kafka."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import pytest
from aiokafka import ConsumerRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, TraceIdRatioBased
from opentelemetry.trace import Tracer

from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import PREDICTIONS, VITALS
from lemof_stream.model.predictor import Predictor
from lemof_stream.telemetry import pseudonym
from simulators.play import Played, Player
from simulators.sender import open_sender
from simulators.timeline import Timeline
from simulators.ward import ward
from tests.collector import collector, spans_of
from tests.messages import read_all
from tests.programs import lemof
from tests.tracers import Traced, carried, ids, linked, parent_ids
from tests.workers import running, settings, settled

START: Final = datetime(2031, 3, 1, 7, 30, tzinfo=UTC)
SEND: Final = f"send {VITALS}"
PROCESS: Final = f"process {VITALS}"


async def play(brokers: str, tracer: Tracer | None, moments: int, beds: int = 4) -> Played:
    """The first moments of a simulated ward, as `lemof-sim ward` sends them."""
    whole = ward(beds, START, seed=1)
    timeline = Timeline(whole.origin, None, 0.0, 0, islice(whole.moments, moments))
    async with open_sender(brokers, tracer) as sender:
        return await Player(timeline, sender, None).play(lambda _: None)


async def flown(
    brokers: str, head: Traced | None, runner: Traced | None, predictor: Predictor
) -> "list[ConsumerRecord[bytes, bytes]]":
    """Play, run, and return what lies on the topic of predictions."""
    played = await play(brokers, None if head is None else head.tracer, moments=6)
    async with running(settings(brokers), predictor, None if runner is None else runner.tracer):
        balance = await settled(brokers, played.windows)
    assert balance.predicted == played.windows > 0
    return await read_all(brokers, PREDICTIONS)


async def test_a_trace_that_the_simulator_began_with_a_window_goes_on_in_its_prediction(
    topics: str, predictor: Predictor
) -> None:
    head, runner = Traced(), Traced()
    predictions = await flown(topics, head, runner, predictor)
    windows = {(record.partition, record.offset): record for record in await read_all(topics, VITALS)}
    sent = {ids(span) for span in head.spans(SEND)}
    assert {carried(record) for record in windows.values()} == sent
    assert len(sent) == len(windows)
    processed = {ids(span): span for span in runner.spans(PROCESS)}
    assert {parent_ids(span) for span in processed.values()} == sent
    assert predictions
    for record in predictions:
        on = carried(record)
        assert on is not None
        attributes = processed[on].attributes
        assert attributes is not None
        place = (
            int(str(attributes["messaging.destination.partition.id"])),
            attributes["messaging.kafka.offset"],
        )
        window = windows[place]
        stay_id = Prediction.from_bytes(record.value).stay_id
        assert (window.key, attributes["lemof.stay"]) == (stay_id.encode(), pseudonym(stay_id))
        assert carried(window) == parent_ids(processed[on])


async def test_the_spans_of_windows_and_of_the_cycle_that_took_them_are_linked_and_it_tells_its_stages(
    topics: str, predictor: Predictor
) -> None:
    head, runner = Traced(), Traced()
    await flown(topics, head, runner, predictor)
    cycles = {ids(span): span for span in runner.spans("cycle")}
    for span in runner.spans(PROCESS):
        [cycle] = linked(span)
        assert parent_ids(span) in linked(cycles[cycle])
    for cycle in cycles:
        stages = [span.name for span in runner.spans() if parent_ids(span) == cycle]
        assert stages == ["fetch", "read", "compute", "wait", "commit"]


async def test_the_head_samples_and_the_runner_follows_it(topics: str, predictor: Predictor) -> None:
    head, runner = Traced(TraceIdRatioBased(0.5)), Traced()
    await flown(topics, head, runner, predictor)
    windows = await read_all(topics, VITALS)
    sampled = [on for record in windows if (on := carried(record)) is not None]
    assert 0 < len(sampled) < len(windows)
    assert sorted(sampled) == sorted(ids(span) for span in head.spans(SEND))
    assert set(sampled) == {parent_ids(span) for span in runner.spans(PROCESS)}


@pytest.mark.parametrize("head", [None, Traced(ALWAYS_OFF)], ids=["no tracer", "nothing sampled"])
async def test_without_tracing_records_carry_no_headers(
    topics: str, predictor: Predictor, head: Traced | None
) -> None:
    runner = Traced()
    predictions = await flown(topics, head, runner, predictor)
    assert [record for record in [*predictions, *await read_all(topics, VITALS)] if record.headers] == []
    assert runner.spans() == []


async def test_a_runner_without_a_tracer_leaves_what_windows_carry(topics: str, predictor: Predictor) -> None:
    predictions = await flown(topics, Traced(), None, predictor)
    assert [record for record in predictions if record.headers] == []


async def test_no_identifiers_leak_into_traces(topics: str, predictor: Predictor) -> None:
    head, runner = Traced(), Traced()
    await flown(topics, head, runner, predictor)
    told = json.dumps([json.loads(span.to_json()) for span in (*head.spans(), *runner.spans())])
    windows = [json.loads(record.value) for record in await read_all(topics, VITALS)]
    assert pseudonym(windows[0]["stay_id"]) in told
    for window in windows:
        for name in ("stay_id", "window_id", "ward", "device"):
            assert window[name] not in told


async def test_commands_send_their_spans_to_the_collector_that_the_environment_names(
    topics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as (endpoint, received):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("LEMOF_IDLE_MS", "500")
        monkeypatch.setenv("LEMOF_PSEUDONYM_KEY", "a key of sixteen characters")
        monkeypatch.setenv(
            "OTEL_TRACES_SAMPLER", "always_off"
        )  # which is for the head to heed, not for a runner
        with lemof(tmp_path / "run.log", "run", "--brokers", topics) as runner:
            runner.wait_for("partition opened")
            monkeypatch.delenv("OTEL_TRACES_SAMPLER")
            simulate(topics)
            windows = len(await read_all(topics, VITALS))
            await settled(topics, windows)
            assert runner.stop() == 0
    spans = list(spans_of(received))
    sent = {(span.trace_id, span.span_id): span for service, span in spans if (service, span.name) == SENT}
    processed = [span for service, span in spans if (service, span.name) == PROCESSED]
    assert len(sent) == len(processed) == windows > 0
    for span in processed:
        assert stay_of(span) == stay_of(sent[span.trace_id, span.parent_span_id])


SENT: Final = ("lemof-sim", SEND)
PROCESSED: Final = ("lemof-run", PROCESS)


def simulate(brokers: str) -> None:
    program = "from simulators.cli.main import main; main()"
    arguments = ("ward", "--beds", "3", "--speed", "60", "--seconds", "4", "--brokers", brokers)
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def stay_of(span: Span) -> str:
    [stay] = [str(a.value.string_value) for a in span.attributes if a.key == "lemof.stay"]
    return stay
