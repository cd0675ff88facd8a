"""`lemof-sim load` against a real runner on a real Kafka.

The generator alone, at a rate of your own (windows a second, of as many processes as you say):

    LEMOF_LOAD_RATE=25000 LEMOF_LOAD_PROCESSES=2 pytest tests/integration/test_load.py -k generator_alone -s
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from lemof_stream.contracts.ehr import Admission, Discharge, read_ehr_event
from lemof_stream.contracts.topics import EHR_EVENTS, VITALS
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.errors import BrokerError
from simulators.cli.main import main
from simulators.load import trial
from simulators.load.conduct import LoadTest, load_test
from simulators.load.plan import Plan, schedule
from simulators.load.processes import TOO_LATE_MS, open_generators
from simulators.load.results import Report
from tests.messages import read_all
from tests.programs import Program, lemof
from tests.topics import PARTITIONS
from tests.waiting import wait_until
from tests.workers import settings

_SIM: Final = (sys.executable, "-c", "from simulators.cli.main import main; main()", "load")
_DEADLINE_S: Final = 200.0
_RATE: Final = int(os.environ.get("LEMOF_LOAD_RATE", "2000"))
_PROCESSES: Final = int(os.environ.get("LEMOF_LOAD_PROCESSES", "2"))


def load(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_SIM, *arguments], capture_output=True, text=True, timeout=_DEADLINE_S, check=False
    )


@pytest.fixture
def runner(topics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """`lemof run` as a process, which does not wait for an EHR app that is not there."""
    monkeypatch.setenv("LEMOF_IDLE_MS", "500")
    with lemof(tmp_path / "runner.log", "run", "--brokers", topics) as program:
        yield program


@pytest.mark.timeout(2 * _DEADLINE_S)
async def test_a_storm_is_measured_window_by_window_and_its_objective_settles_the_exit_status(
    topics: str, runner: Program, tmp_path: Path
) -> None:
    storm = ("--profile", "storm", "--beds", "20", "--every", "0.5", "--seconds", "5", "--processes", "2")
    done = load(
        *storm, "--brokers", topics, "--report", str(tmp_path), "--json",
        "--slo", "p50=1ms", "--slo", "lag=1000000",
    )  # fmt: skip

    assert done.returncode == 1, done.stderr
    report = Report.model_validate_json(done.stdout)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("lemof-sim: The objective did not hold: p50 was ")
    assert "where at most 1 ms were asked" in last
    _check_run(report)
    assert report == Report.model_validate_json((tmp_path / "report.json").read_text())
    _check_page((tmp_path / "report.html").read_text())

    windows = [VitalWindow.from_bytes(record.value) for record in await read_all(topics, VITALS)]
    events = [read_ehr_event(record.value) for record in await read_all(topics, EHR_EVENTS)]
    assert len(windows) == len({w.window_id for w in windows}) == report.audit.received
    for kind in (Admission, Discharge):
        assert {e.stay_id for e in events if isinstance(e, kind)} == {w.stay_id for w in windows}

    again = load("--beds", "20", "--every", "0.5", "--seconds", "5", "--brokers", topics, "--slo", "p50=100s")
    assert again.returncode == 0, again.stderr
    assert "The objective held: p50 was" in again.stdout
    assert runner.stop() == 0


def _check_run(report: Report) -> None:
    [run] = report.runs
    due = schedule(run.plan)
    counted = int((due.due_s >= run.counted_from_s).sum())
    assert (run.latency.windows, run.latency.missing) == (counted, 0)
    assert sum(bucket.count for bucket in run.latency.histogram) == counted
    assert run.generated.windows == sum(point.due for point in run.over_time) == len(due)
    assert sum(point.answered for point in run.over_time) == len(due)
    assert report.audit.balanced
    assert report.audit.received == report.audit.predicted == len(due) + run.plan.beds, (
        "and the first of each"
    )
    assert {"broker", "runner", "generator", "reader"} == {kind for sight in run.sights for kind in sight.use}
    assert [verdict.held for verdict in run.verdicts] == [False, True]


def _check_page(html: str) -> None:
    assert html.count("<svg") == 2
    assert "Failed" in html
    for attribute in ('src="', 'href="http', "@import"):
        assert attribute not in html, "a page that stands alone"


async def test_the_generator_alone_delivers_every_window_of_its_schedule(topics: str) -> None:
    plan = Plan(profile="steady", beds=max(_RATE // 2, 1), seconds=5, every_s=0.5)
    async with open_generators(topics, PARTITIONS, datetime.now(UTC), plan, _PROCESSES) as generators:
        made = await generators.finish(generators.begin())

    print(f"\n{made.windows / made.seconds:,.0f} windows a second delivered: {made}")
    delivered = await read_all(topics, VITALS)
    assert made.windows == len(delivered) == len(schedule(plan))
    assert len({record.value for record in delivered}) == len(delivered)


async def test_a_generator_that_falls_behind_says_so_and_sends_all_the_same(topics: str) -> None:
    plan = Plan(profile="steady", beds=50, seconds=5, every_s=0.5)
    async with open_generators(topics, PARTITIONS, datetime.now(UTC), plan, 1) as generators:
        start = generators.begin()
        [pid] = generators.pids
        wait_until(lambda: time.monotonic() > start.monotonic_s, 5)
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: time.monotonic() > start.monotonic_s + 1, 5)
        os.kill(pid, signal.SIGCONT)
        made = await generators.finish(start)

    assert made.invalid is not None
    assert "fell behind its schedule" in made.invalid
    assert made.behind_p99_ms > TOO_LATE_MS
    assert len(await read_all(topics, VITALS)) == made.windows == len(schedule(plan))


async def test_a_kafka_that_nobody_predicts_on_is_told(topics: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_FIRST_S", 0.5)
    plan = Plan(profile="steady", beds=3, seconds=5, every_s=1)
    with pytest.raises(BrokerError, match=r"^3 of 3 beds had no prediction .*start a runner .*`lemof run`"):
        await load_test(
            settings(topics), LoadTest(plan=plan, objectives=[], find=False, processes=1), lambda _: None
        )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--profile", "flat"), "--profile flat is none: choose one of steady, ramp, burst, diurnal, storm."),
        (("--slo", "p99=150"), "--slo p99=150 cannot be read: write a percentile"),
        (("--find",), "--find searches for what holds an objective: name one, as in --slo p99=150ms."),
        (("--seconds", "5", "--every", "4"), "--seconds 5 is too short for a window every 4 s"),
        (("--report", "/proc/none"), "The report cannot be written to /proc/none"),
    ],
)
def test_a_wrong_usage_is_one_sentence(
    arguments: tuple[str, ...],
    sentence: str,
    closed_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["lemof-sim", "load", *arguments, "--brokers", f"127.0.0.1:{closed_port}"]
    )
    with pytest.raises(SystemExit, match="2"):
        main()
    told = capsys.readouterr()
    assert told.out == ""
    [line] = told.err.splitlines()
    assert line.startswith(f"lemof-sim: {sentence}")
