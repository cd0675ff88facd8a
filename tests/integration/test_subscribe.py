import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from lemof_stream.broker.admin import admin_client
from lemof_stream.client import PredictionStream
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import PREDICTIONS
from lemof_stream.errors import BrokerError
from tests.messages import Outgoing, send
from tests.predictions import prediction
from tests.programs import lemof, run_lemof
from tests.topics import delete_topics

IDLE_S: Final = 1.0
DEADLINE_S: Final = 30.0


def outgoing(*predictions: Prediction) -> list[Outgoing]:
    return [Outgoing(PREDICTIONS, item.stay_id, item.to_bytes(), item.key()) for item in predictions]


async def collected(stream: PredictionStream) -> set[str]:
    async with asyncio.timeout(DEADLINE_S), stream:
        return {item.prediction_id async for item in stream}


async def test_a_stream_yields_what_the_topic_keeps_and_filters_it(topics: str) -> None:
    await send(
        topics,
        outgoing(
            prediction("s1", 1, 1),
            prediction("s1", 1, 2, kind="final"),
            prediction("s2", 1, 1, ward="B"),
            prediction("s2", 1, 2, ward="B", kind="final"),
        ),
    )

    async def ids(**options: str | bool) -> set[str]:
        return await collected(PredictionStream(topics, from_beginning=True, until_idle=IDLE_S, **options))  # type: ignore[arg-type]

    assert await ids() == {"s1-1-1", "s1-1-2", "s2-1-1", "s2-1-2"}
    assert await ids(stay="s1") == {"s1-1-1", "s1-1-2"}
    assert await ids(ward="B") == {"s2-1-1", "s2-1-2"}
    assert await ids(final_only=True) == {"s1-1-2", "s2-1-2"}
    assert await ids(final_only=True, stay="s2") == {"s2-1-2"}


async def test_a_stream_from_now_begins_when_it_is_entered(topics: str) -> None:
    await send(topics, outgoing(prediction("before")))

    async with asyncio.timeout(DEADLINE_S), PredictionStream(topics) as stream:
        await send(topics, outgoing(prediction("after")))
        first = await anext(aiter(stream))

    assert first == prediction("after")


async def test_what_was_never_committed_is_not_seen(topics: str) -> None:
    await send(topics, outgoing(prediction("aborted")), "one", abort=True)
    await send(topics, outgoing(prediction("committed")), "two")

    assert await collected(PredictionStream(topics, from_beginning=True, until_idle=IDLE_S)) == {
        "committed-1-1"
    }


async def test_what_cannot_be_read_is_skipped_and_counted(topics: str) -> None:
    bad = Outgoing(PREDICTIONS, "s1", b"no json", b"key")
    tombstone = Outgoing(PREDICTIONS, "s1", None, b"s1|lemof-1|9")
    await send(topics, [*outgoing(prediction("s1", 1)), bad, tombstone, *outgoing(prediction("s1", 2))])

    stream = PredictionStream(topics, from_beginning=True, until_idle=IDLE_S)

    assert await collected(stream) == {"s1-1-1", "s1-2-1"}
    assert stream.skipped == 1


async def test_jsonl_prints_each_message_as_it_came_on_a_line(topics: str) -> None:
    messages = [prediction("s1", step, kind="final") for step in (1, 2, 3)]
    await send(topics, [*outgoing(*messages), Outgoing(PREDICTIONS, "s1", b"no json", b"key")])

    ended = await asyncio.to_thread(
        run_lemof,
        "subscribe",
        "--brokers",
        topics,
        "--from",
        "beginning",
        "--until-idle",
        "1",
        "--final-only",
        "--format",
        "jsonl",
    )

    assert ended.returncode == 0
    assert ended.stdout == "".join(item.model_dump_json() + "\n" for item in messages)
    [said] = [json.loads(line) for line in ended.stderr.splitlines()]
    assert said["event"].startswith("skipped partition 1 offset 3: The message is no Prediction:")


async def test_the_table_is_for_people(topics: str) -> None:
    await send(topics, outgoing(prediction("s1", 7, p_death=0.42)))

    ended = await asyncio.to_thread(
        run_lemof, "subscribe", "--brokers", topics, "--from", "beginning", "--until-idle", "1"
    )

    assert ended.returncode == 0
    heading, row = ended.stdout.splitlines()
    assert heading.split()[:2] == ["stay", "ward"]
    assert row.split()[:6] == ["s1", "A", "7", "provisional", "1", "42%"]


async def test_lines_come_at_once_and_ctrl_c_ends_quietly(topics: str, tmp_path: Path) -> None:
    await send(topics, outgoing(prediction("s1")))

    with lemof(
        tmp_path / "log", "subscribe", "--brokers", topics, "--from", "beginning", "--format", "jsonl"
    ) as program:
        output = program.process.stdout
        assert output is not None
        line = await asyncio.wait_for(asyncio.to_thread(output.readline), DEADLINE_S)
        program.process.send_signal(signal.SIGINT)
        status = await asyncio.to_thread(program.process.wait, DEADLINE_S)

    assert json.loads(line)["stay_id"] == "s1"
    assert status == 0
    assert program.log.read_text() == ""


async def test_a_reader_that_has_enough_ends_it_quietly(topics: str) -> None:
    await send(topics, outgoing(*(prediction("s1", step) for step in range(1, 2001))))
    command = [sys.executable, "-c", "from lemof_stream.cli.main import main; main()", "subscribe"]
    options = ["--brokers", topics, "--from", "beginning", "--format", "jsonl", "--until-idle", "20"]

    process = await asyncio.create_subprocess_exec(
        *command, *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    await process.stdout.readline()
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    async with asyncio.timeout(DEADLINE_S):
        assert (await process.stderr.read(), await process.wait()) == (b"", 0)


def test_a_kafka_that_is_down_takes_one_sentence_and_exit_status_2(closed_port: int) -> None:
    started = time.monotonic()
    ended = run_lemof("subscribe", "--brokers", f"127.0.0.1:{closed_port}")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("lemof: No Kafka answers at")
    assert ended.stderr.count("\n") == 1
    assert time.monotonic() - started < 20


async def test_a_kafka_without_the_topic_says_how_to_make_it(topics: str) -> None:
    async with admin_client(topics) as client:
        await delete_topics(client, [PREDICTIONS])

    with pytest.raises(
        BrokerError, match=r"lacks the topic predictions\.v1: create .* `lemof topics create`"
    ):
        await collected(PredictionStream(topics))
