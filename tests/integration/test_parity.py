"""Guarantee 1, parity: what is published equals what `lemof predict` computes, whatever the order of arrival.

In full: `LEMOF_PARITY_STAYS=300 pytest tests/integration/test_parity.py`.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest

from lemof_stream.contracts.topics import VITALS
from tests.messages import read_all
from tests.programs import lemof, run_lemof
from tests.recordings import some_of_eicu, some_of_physionet, some_of_sepsis
from tests.waiting import wait_until

TOLERANCE: Final = 1e-5
STAYS: Final = int(os.environ.get("LEMOF_PARITY_STAYS", "25"))
DISORDER: Final = ("--disorder", "7200", "--duplicates", "0.1", "--seed", "5")
KEY: Final = ("stay_id", "step_end_min")
_FLOW_S: Final = 120.0  # Faust takes some ten seconds to join its group, and as long again on a busy machine

REBALANCES: Final = ("--speed", "10000")  # 48 hours in 17 s: meanwhile a worker joins and leaves

Predictions = dict[tuple[str, int], dict[str, float]]


def offline(recordings: Path, to: Path, cohort: str = "physionet2012") -> Predictions:
    done = run_lemof(
        "predict", "--cohort", cohort, "--data", str(recordings), "--out", str(to), deadline_s=200
    )
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(to).to_pylist()
    return {
        (row["stay_id"], row["step_end_min"]): {n: value for n, value in row.items() if n not in KEY}
        for row in rows
    }


@contextmanager
def replaying(
    brokers: str, recordings: Path, *flags: str, cohort: str = "physionet2012"
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A replay; what it told is there when the block has ended."""
    command = [
        sys.executable,
        "-c",
        "from simulators.cli.main import main; main()",
        "replay",
        cohort,
    ]
    command += ["--data", str(recordings), "--brokers", brokers, "--json", *flags]
    told: dict[str, Any] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, told
            out, errors = process.communicate(timeout=300)
        except BaseException:
            process.kill()
            raise
    assert process.returncode == 0, errors
    told |= json.loads(out)


def audit(brokers: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run_lemof("audit", "--brokers", brokers, "--json").stdout)
    return found


def finals(brokers: str) -> list[dict[str, Any]]:
    done = run_lemof(
        "subscribe", "--brokers", brokers, "--final-only", "--format", "jsonl", "--from", "beginning",
        "--until-idle", "3",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("flags", [(), DISORDER, DISORDER + REBALANCES])
def test_parity_every_stay_and_step_ends_as_the_offline_prediction(
    topics: str, data_dir: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    recordings = some_of_physionet(data_dir, tmp_path / "data", STAYS)
    expected = offline(recordings, tmp_path / "offline.parquet")
    assert len({stay for stay, _ in expected}) == STAYS
    with (
        lemof(tmp_path / "ehr.log", "ehr", "--brokers", topics),
        lemof(tmp_path / "run.log", "run", "--brokers", topics),
    ):
        with replaying(topics, recordings, *flags) as (process, told):
            if REBALANCES[0] in flags:
                _join_and_leave(topics, tmp_path, process)
        wait_until(lambda: _accounted(audit(topics), told), _FLOW_S, "a balanced audit")
        messages = wait_until(
            lambda: _complete(finals(topics), expected), _FLOW_S, "the last final of every stay"
        )

    _assert_equal(messages, expected)
    if not flags:
        assert len(messages) == len(expected), "in event-time order every step becomes final once"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("cohort", ["eicu", "sepsis2019"])
def test_parity_of_the_other_cohorts_under_their_own_checkpoints(
    cohort: str, topics: str, data_dir: Path, tmp_path: Path
) -> None:
    recordings = {"eicu": some_of_eicu, "sepsis2019": some_of_sepsis}[cohort](data_dir, tmp_path / "data")
    expected = offline(recordings, tmp_path / "offline.parquet", cohort)
    with (
        lemof(tmp_path / "ehr.log", "ehr", "--brokers", topics),
        lemof(tmp_path / "run.log", "run", "--brokers", topics, "--checkpoint", cohort),
    ):
        with replaying(topics, recordings, "--start", "90", cohort=cohort) as (_, told):
            pass
        messages = wait_until(
            lambda: _complete(finals(topics), expected), _FLOW_S, "the last final of every stay"
        )
    assert _accounted(audit(topics), told)
    _assert_equal(messages, expected)


def _assert_equal(messages: list[dict[str, Any]], expected: Predictions) -> None:
    published = {(m["stay_id"], m["step_end_min"]): m["predictions"] for m in messages}
    assert published.keys() == expected.keys()
    assert (
        max(abs(published[key][n] - v) for key, row in expected.items() for n, v in row.items()) <= TOLERANCE
    )


def _join_and_leave(brokers: str, to: Path, replay: "subprocess.Popen[str]") -> None:
    """Two rebalances: a second worker takes over half of the partitions, and gives them back.

    The replay is held up until it has, so that windows are left for it.
    """
    wait_until(lambda: asyncio.run(read_all(brokers, VITALS)), _FLOW_S, "windows")
    replay.send_signal(signal.SIGSTOP)
    wait_until(lambda: audit(brokers)["predicted"] > 0, _FLOW_S, "predictions of the first worker")
    with lemof(to / "second.log", "run", "--brokers", brokers) as second:
        second.wait_for("partition opened")
        taken = audit(brokers)["predicted"]
        replay.send_signal(signal.SIGCONT)
        wait_until(lambda: audit(brokers)["predicted"] > taken, _FLOW_S, "predictions of both")
        assert second.stop() == 0


def _accounted(found: dict[str, Any], told: dict[str, Any]) -> bool:
    return bool(found["balanced"]) and found["received"] == told["windows"]


def _complete(messages: list[dict[str, Any]], expected: Predictions) -> list[dict[str, Any]]:
    """The messages, once the discharge has closed the last step of every stay."""
    return messages if expected.keys() <= {(m["stay_id"], m["step_end_min"]) for m in messages} else []
