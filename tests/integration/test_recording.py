"""Live topics into a file and back, on a real Kafka."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer

from lemof_stream.broker import Broker
from lemof_stream.broker.admin import create_topics
from lemof_stream.contracts.topics import EHR_EVENTS, LEDGER, PREDICTIONS, VITALS
from lemof_stream.errors import BrokerError, ConfigError, DataError, LemofError
from lemof_stream.model.predictor import Predictor
from simulators.cli.main import main
from simulators.diff import compare
from simulators.playback import INPUTS, Playback, PlayedBack
from simulators.record import Recorded, record
from simulators.recording import Recording
from simulators.sender import open_sender
from tests.messages import read_all
from tests.predictions import prediction
from tests.recording_files import row, write_predictions, write_recording
from tests.topics import PARTITIONS, renew_topics
from tests.waiting import wait_until
from tests.workers import running, settings, settled

_SIM: Final = (sys.executable, "-c", "from simulators.cli.main import main; main()")
_DEADLINE_S: Final = 120.0
_NOW_MS: Final = int(time.time() * 1000)
_DAY_MS: Final = 24 * 3600 * 1000

Kept = dict[tuple[str, int], list[tuple[Any, ...]]]


def lemof_sim(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_SIM, *arguments], capture_output=True, text=True, timeout=_DEADLINE_S, check=False
    )


async def recorded(brokers: str, out: Path, *topics: str) -> Recorded:
    """All that the topics hold now."""
    stopped = asyncio.Event()
    return await record(brokers, topics, out, from_beginning=True, stopped=stopped, begun=stopped.set)


async def replayed(brokers: str, file: Path, speed: float | None = None) -> PlayedBack:
    """Onto empty topics."""
    await renew_topics(brokers)
    playback = Playback(Recording(file), speed)
    await playback.check(brokers)
    async with open_sender(brokers) as sender:
        return await playback.play(sender)


def kept(file: Path) -> Kept:
    """All but the offsets of the inputs, by partition in order."""
    found: Kept = {}
    for one in Recording(file).rows(*INPUTS):
        found.setdefault((one.topic, one.partition), []).append(one[3:])
    return found


async def odd_records(brokers: str) -> None:
    """Each thing that a copy may lose: no key, no value, empty ones, headers that repeat, times that go back."""
    async with AIOKafkaProducer(bootstrap_servers=brokers) as producer:
        for number in range(200):
            for topic in INPUTS:
                await producer.send(
                    topic,
                    key=(None, b"", b"stay-\xff")[number % 3],
                    value=(b"", None, bytes(range(256)))[number % 3],
                    partition=number % 4,
                    timestamp_ms=_NOW_MS - 5000 + (number * 37) % 1000,
                    headers=[("a", b"1"), ("a", b""), ("\u00e9", None)][: number % 4],
                )


async def test_a_recording_is_replayed_bit_for_bit_and_again(topics: str, tmp_path: Path) -> None:
    await odd_records(topics)
    first, second, third = (tmp_path / name for name in ("first.arrow", "second.arrow", "third.arrow"))

    told = await recorded(topics, first, *INPUTS)
    played = await replayed(topics, first)
    await recorded(topics, second, *INPUTS)
    await replayed(topics, second, speed=2.0)
    await recorded(topics, third, *INPUTS)

    assert told.records == {VITALS: 200, EHR_EVENTS: 200}
    assert (played.complete, played.records) == (True, told.records)
    assert sum(map(len, kept(first).values())) == 400
    assert kept(second) == kept(first)
    assert kept(third) == kept(first)


async def test_a_recorded_ward_that_is_replayed_predicts_the_same(
    topics: str, predictor: Predictor, tmp_path: Path
) -> None:
    live, again = tmp_path / "live.arrow", tmp_path / "again.arrow"
    async with running(settings(topics), predictor):
        done = await asyncio.to_thread(
            lemof_sim,
            "ward",
            "--beds",
            "4",
            "--speed",
            "3600",
            "--seconds",
            "3",
            "--brokers",
            topics,
            "--json",
        )
        windows = json.loads(done.stdout)["windows"]
        await settled(topics, windows)
        await recorded(topics, live, *INPUTS, PREDICTIONS)
    played = await replayed(topics, live)
    async with running(settings(topics), predictor):
        await settled(topics, windows)
        await recorded(topics, again, *INPUTS, PREDICTIONS)

    assert played.left_out[PREDICTIONS] > 0
    found = compare(Recording(live), Recording(again), 1e-5)
    assert found.agree, found
    assert found.compared >= 8
    assert kept(again) == kept(live)


async def test_only_what_is_committed_is_recorded(topics: str, tmp_path: Path) -> None:
    async with AIOKafkaProducer(bootstrap_servers=topics, transactional_id="recorded") as producer:
        for value, commits in ((b"aborted", False), (b"committed", True)):
            await producer.begin_transaction()
            await producer.send_and_wait(LEDGER, value, partition=0)
            await (producer.commit_transaction() if commits else producer.abort_transaction())

    await recorded(topics, tmp_path / "ledger.arrow", LEDGER)

    assert [one.value for one in Recording(tmp_path / "ledger.arrow").rows(LEDGER)] == [b"committed"]


@pytest.mark.parametrize(
    ("stamp_ms", "partitions", "sentence"),
    [
        (_NOW_MS, 3, r"vitals\.windows\.v1 has 4 partitions .* and 3 in .*--partitions 3"),
        (_NOW_MS - 8 * _DAY_MS, 4, r"soon deletes records .*retention\.ms=604800000"),
        (_NOW_MS + _DAY_MS, 4, r"refuses records .*message\.timestamp\.after\.max\.ms higher"),
    ],
)
async def test_a_kafka_that_could_not_hold_the_records_as_they_are_is_refused(
    stamp_ms: int, partitions: int, sentence: str, topics: str, tmp_path: Path
) -> None:
    recording = write_recording(tmp_path / "one.arrow", [row(timestamp=stamp_ms)], partitions)

    with pytest.raises(ConfigError, match=sentence):
        await Playback(recording, None).check(topics)

    assert await read_all(topics, VITALS) == []


async def test_a_recording_without_inputs_is_one_sentence(topics: str, tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "ledger.arrow", [row(topic=LEDGER)])

    with pytest.raises(DataError, match="nothing to replay"):
        await Playback(recording, None).check(topics)


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_ctrl_c_ends_a_recording_and_a_kill_loses_only_its_last_second(
    how: signal.Signals, status: int, topics: str, tmp_path: Path
) -> None:
    out = tmp_path / "live.arrow"
    arguments = [*_SIM, "record", "--out", str(out), "--brokers", topics, "--json"]
    with subprocess.Popen(arguments, stdout=PIPE, stderr=PIPE) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith(b"Recording vitals.windows.v1, ")  # from here on
            asyncio.run(odd_records(topics))
            wait_until(
                lambda: sum(Recording(out).counts().values()) == 400, _DEADLINE_S, "400 rows in the file"
            )
            process.send_signal(how)
            stdout, _ = process.communicate(timeout=_DEADLINE_S)
        finally:
            process.kill()

    recording = Recording(out)
    assert process.returncode == status
    assert sum(recording.counts().values()) == 400
    assert recording.broken_off == (how is signal.SIGKILL)
    if status == 0:
        assert json.loads(stdout)["records"] == {VITALS: 200, EHR_EVENTS: 200, PREDICTIONS: 0}
    else:
        done = lemof_sim("replay", str(out), "--brokers", topics)
        assert (done.returncode, "is broken off" in done.stderr) == (0, True)


def test_ctrl_c_while_kafka_is_away_ends_in_one_sentence_and_keeps_what_came(
    fresh_broker: Broker, tmp_path: Path
) -> None:
    out, brokers = tmp_path / "live.arrow", fresh_broker.bootstrap
    asyncio.run(create_topics(brokers, PARTITIONS, 1))
    with subprocess.Popen(
        [*_SIM, "record", "--out", str(out), "--brokers", brokers], stdout=PIPE, stderr=PIPE
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith(b"Recording ")
            asyncio.run(odd_records(brokers))
            wait_until(
                lambda: sum(Recording(out).counts().values()) == 400, _DEADLINE_S, "400 rows in the file"
            )
            fresh_broker.stop()
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=_DEADLINE_S)
        finally:
            process.kill()

    assert process.returncode == 2
    [sentence] = [line for line in stderr.decode().splitlines() if line.startswith("lemof-sim: ")]
    assert f"Kafka at {brokers}" in sentence
    assert sum(Recording(out).counts().values()) == 400


def status_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """Exit status of `lemof-sim` in this process."""
    monkeypatch.setattr(sys, "argv", ["lemof-sim", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_diff_exits_1_where_recordings_do_not_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    write_predictions(a, [prediction(p_death=0.1)])
    write_predictions(b, [prediction(p_death=0.2)])

    assert status_of(monkeypatch, "diff", str(a), str(b), "--json") == 1
    assert json.loads(capsys.readouterr().out)["differing"] == 1
    assert status_of(monkeypatch, "diff", str(a), str(a)) == 0
    assert capsys.readouterr().out.startswith("They agree: 1 steps in both")


async def test_a_topic_or_a_kafka_that_is_not_there_is_told(
    topics: str, closed_port: int, tmp_path: Path
) -> None:
    refused: list[LemofError] = []
    for brokers, topic in ((topics, "none.v1"), (f"127.0.0.1:{closed_port}", VITALS)):
        with pytest.raises(BrokerError) as error:
            await recorded(brokers, tmp_path / "none.arrow", topic)
        refused.append(error.value)

    assert "lacks the topic none.v1" in str(refused[0])
    assert "No Kafka answers" in str(refused[1])
    assert not (tmp_path / "none.arrow").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("replay", "absent.arrow"), "absent.arrow cannot be read"),
        (("replay", "absent.arrow", "--stays", "3"), "give no option but --speed"),
        (("record", "--out", "x.arrow", "--topics", ","), "--topics names no topic"),
    ],
)
def test_wrong_usage_is_one_sentence_and_status_2(
    arguments: Sequence[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert status_of(monkeypatch, *arguments) == 2

    told = capsys.readouterr()
    assert told.out == ""
    assert sentence in told.err
    assert len(told.err.splitlines()) == 1
