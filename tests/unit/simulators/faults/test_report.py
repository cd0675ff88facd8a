"""The verdict on a run: it holds when all came true, and says what did not."""

from collections import Counter
from dataclasses import replace
from typing import Any, Final

import pytest

from lemof_stream.settings import Settings
from lemof_stream.worker.audit import Audit
from simulators.faults.expected import Finals
from simulators.faults.observed import Published
from simulators.faults.plan import plan
from simulators.faults.report import Outcome, Report, judge
from tests.predictions import prediction
from tests.unit.simulators.faults.test_kinds import CORRUPT, DUPLICATES
from tests.unit.simulators.faults.wards import scenario

SCENARIO: Final = scenario(
    CORRUPT, DUPLICATES, {"kind": "silence", "start_min": 60, "length_min": 240, "beds": 0.25}
)
PLAN: Final = plan(SCENARIO)
SILENT: Final = PLAN.injected[-1].stays[0]
FINALS: Final[Finals] = {("a", 1): {"p_death": 0.1}, ("a", 2): {"p_death": 0.2}}


def audited(**others: Any) -> Audit:
    counts = PLAN.accounts.counts.model_dump() | others
    return Audit(group="lemof-runner", partitions={}, **counts)


def published(**finals: Any) -> Published:
    found = Published("127.0.0.1:1")  # never entered: nothing is read
    found.finals = FINALS | finals.get("finals", {})
    found.take(prediction(SILENT, kind="stale"))
    return found


def verdict(**others: Any) -> Report:
    outcome = Outcome(audited(), Counter(PLAN.accounts.letters), published(), FINALS)
    return judge("a-test", SCENARIO, PLAN, replace(outcome, **others), Settings(), 1.0)


def test_a_run_in_which_all_came_true_holds() -> None:
    report = verdict()

    assert (report.held, report.problems, report.balanced) == (True, [], True)
    assert (report.steps.equal, report.steps.expected) == (2, 2)
    assert [fault.kind for fault in report.faults] == ["corrupt", "duplicates", "silence"]


def twice() -> Published:
    found = published()
    found.take(prediction(SILENT, kind="stale"))
    return found


def unsaid() -> Published:
    found = published()
    found.stays.clear()
    return found


@pytest.mark.parametrize(
    ("others", "problem"),
    [
        ({"audit": audited(balanced=False, problems=["partition 0: a gap"])}, "partition 0: a gap"),
        ({"audit": audited(duplicate=0)}, "0 windows were duplicate, where "),
        ({"letters": Counter()}, "0 dead letters were unreadable, where "),
        (
            {"letters": Counter({**PLAN.accounts.letters, "failed": 1})},
            "1 dead letters were failed, where 0 had to be.",
        ),
        ({"finals": FINALS | {("b", 1): {"p_death": 0.3}}}, "1 final predictions are missing."),
        ({"finals": {("a", 1): {"p_death": 0.1}}}, "1 final predictions are of steps that have none."),
        (
            {"finals": FINALS | {("a", 1): {"p_death": 0.1001}}},
            "1 final predictions differ from those of a run on",
        ),
        ({"published": twice()}, "1 predictions were published twice."),
        ({"published": unsaid()}, "1 beds were silent for more than 120 minutes without stale predictions."),
    ],
)
def test_whatever_did_not_come_true_is_told(others: dict[str, Any], problem: str) -> None:
    report = verdict(**others)

    assert not report.held
    assert any(told.startswith(problem) for told in report.problems), report.problems
