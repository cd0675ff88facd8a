"""`lemof run`, `lemof audit` and `lemof dlq` as a shell calls them."""

import json
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lemof_stream.broker.admin import admin_client
from lemof_stream.contracts.operations import DeadLetter
from lemof_stream.contracts.topics import DEAD_LETTERS, LEDGER, SNAPSHOTS, VITALS, partition_of
from lemof_stream.model.predictor import Predictor
from tests.messages import Outgoing, send
from tests.programs import refused, run_lemof
from tests.streams import sent, window
from tests.topics import PARTITIONS, delete_topics
from tests.workers import letters, running, settings, settled

SOON_S = 15.0  # of which most is Python starting on a busy machine


def soon_refused(*arguments: str) -> str:
    """The one sentence that a command ends with, without a long wait before."""
    began = time.monotonic()
    sentence = refused(*arguments)
    assert time.monotonic() - began < SOON_S
    return sentence


def listed(brokers: str) -> list[dict[str, Any]]:
    done = run_lemof("dlq", "list", "--json", "--brokers", brokers)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["letters"]
    return found


def test_a_broker_that_is_down_is_one_sentence(closed_port: int) -> None:
    for command in (("run",), ("audit", "--json"), ("dlq", "list")):
        assert f"127.0.0.1:{closed_port}" in soon_refused(*command, "--brokers", f"127.0.0.1:{closed_port}")


async def test_a_missing_topic_is_one_sentence_that_says_how_to_make_it(topics: str) -> None:
    async with admin_client(topics) as admin:
        await delete_topics(admin, [SNAPSHOTS])
    sentence = soon_refused("run", "--brokers", topics)
    assert SNAPSHOTS in sentence
    assert "lemof topics create" in sentence


async def test_audit_prints_one_json_object_in_total_and_per_partition(
    topics: str, predictor: Predictor
) -> None:
    await send(topics, [sent(window("bed", 10)), sent(window("bed", 10))])
    before = json.loads(run_lemof("audit", "--json", "--brokers", topics).stdout)
    assert (before["received"], before["pending"], before["balanced"]) == (0, 2, True)
    async with running(settings(topics), predictor):
        await settled(topics, 2)
    found = json.loads(run_lemof("audit", "--json", "--brokers", topics).stdout)
    counts = {"received": 2, "predicted": 1, "duplicate": 1, "late": 0, "rejected": 0, "balanced": True}
    assert {name: found[name] for name in counts} == counts
    assert sum(part["received"] for part in found["partitions"].values()) == 2
    shown = run_lemof("audit", "--brokers", topics)
    assert "balanced" in shown.stdout


async def test_a_dead_letter_is_listed_shown_and_redriven_once_with_a_correction(
    topics: str, predictor: Predictor, tmp_path: Path
) -> None:
    broken = b'{"heart_rate": '
    await send(topics, [Outgoing(VITALS, "bed", broken, b"bed")])
    async with running(settings(topics), predictor):
        await settled(topics, 1)
        [fact] = listed(topics)
        assert (fact["reason"], fact["topic"], fact["offset"]) == ("unreadable", VITALS, 0)
        shown = run_lemof("dlq", "show", fact["letter"], "--brokers", topics)
        assert broken.decode() in shown.stdout

        corrected = tmp_path / "corrected.json"
        corrected.write_bytes(window("bed", 10).to_bytes())
        redrive = ("dlq", "redrive", fact["letter"], "--value", str(corrected), "--brokers", topics)
        done = run_lemof(*redrive)
        assert done.returncode == 0, done.stderr
        balance = await settled(topics, 2)
        assert (balance.predicted, balance.rejected, balance.balanced) == (1, 1, True)

        assert "redriven already" in soon_refused(*redrive)
        assert (await settled(topics, 2)).received == 2


async def test_what_is_redriven_uncorrected_is_dead_again_as_a_letter_of_its_own(
    topics: str, predictor: Predictor
) -> None:
    await send(topics, [Outgoing(VITALS, "bed", b"no json", b"bed")])
    async with running(settings(topics), predictor):
        await settled(topics, 1)
        [fact] = listed(topics)
        assert run_lemof("dlq", "redrive", fact["letter"], "--brokers", topics).returncode == 0
        balance = await settled(topics, 2)
    assert balance.balanced, balance.problems
    assert [letter.value for letter in await letters(topics)] == [b"no json", b"no json"]


async def test_records_that_are_no_letters_and_no_entries_are_named_by_audit_and_listing(
    topics: str, predictor: Predictor
) -> None:
    await send(
        topics, [Outgoing(DEAD_LETTERS, "bed", b"no letter", b"x"), Outgoing(LEDGER, "bed", None, b"x")]
    )
    await send(topics, [Outgoing(VITALS, "bed", b"no json", b"bed")])
    async with running(settings(topics), predictor):
        found = await settled(topics, 1)
    partition = partition_of("bed", PARTITIONS)
    assert found.problems == [
        f"partition {partition}: {LEDGER} partition {partition} offset 0 is no LedgerEntry",
        f"partition {partition}: {DEAD_LETTERS} partition {partition} offset 0 is no DeadLetter",
    ]
    assert not found.balanced
    done = run_lemof("dlq", "list", "--json", "--brokers", topics)
    assert (done.returncode, len(json.loads(done.stdout)["letters"])) == (0, 1)
    [line] = done.stderr.splitlines()
    assert f"{DEAD_LETTERS} partition {partition} offset 0" in line


async def test_a_letter_that_does_not_exist_is_one_sentence(topics: str) -> None:
    assert "2:17" in soon_refused("dlq", "show", "2:17", "--brokers", topics)
    assert "as in 2:17" in soon_refused("dlq", "show", "second", "--brokers", topics)
    assert "9:0" in soon_refused("dlq", "redrive", "9:0", "--brokers", topics)


async def test_a_letter_is_shown_as_it_is_written_and_steers_no_terminal(topics: str) -> None:
    letter = DeadLetter(
        reason="[/x]",
        detail="It says [/y] and \x1b[2J.",
        consumer="\x1b[2J",
        topic="[/z]",
        partition=0,
        offset=0,
        timestamp=datetime(2026, 1, 5, tzinfo=UTC),
        key=None,
        value=b64encode(b"[/v]\x1b[2J"),
    )
    await send(topics, [Outgoing(DEAD_LETTERS, "bed", letter.to_bytes(), b"key")])
    [fact] = listed(topics)

    for command in (("list",), ("show", fact["letter"])):
        done = run_lemof("dlq", *command, "--brokers", topics)
        assert (done.returncode, done.stderr) == (0, "")
        assert "[/x]" in done.stdout
        assert r"It says [/y] and \x1b[2J." in done.stdout
        assert "\x1b" not in done.stdout
