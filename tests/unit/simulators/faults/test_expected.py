"""What a ward has to make of faulty messages: told by rules, and held against the runner."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import WindowInput
from lemof_stream.runner.runner import Runner
from simulators.faults.expected import account, finals
from simulators.faults.plan import OPENED_AT, Plan, plan
from simulators.faults.scenario import REFUSED_FROM_MIN, inject
from simulators.timeline import StayMessage
from tests.unit.simulators.faults.test_kinds import ALL, CORRUPT, DELAY, DROP, DUPLICATES, REORDER, SKEW
from tests.unit.simulators.faults.wards import BEDS, HOURS, clean, scenario

FAR_AHEAD: Final = SKEW | {"by_min": 10 * 24 * 60}
FAR_BEHIND: Final = SKEW | {"by_min": -3 * 60}


@settings(max_examples=10, deadline=None)
@given(faults=st.permutations(ALL), seed=st.integers(0, 1000))
def test_every_window_is_accounted_for(faults: list[dict[str, Any]], seed: int) -> None:
    accounts = account(inject(scenario(*faults, seed=seed), clean())[0], OPENED_AT)

    counts = accounts.counts
    assert counts.received == counts.predicted + counts.duplicate + counts.rejected
    assert counts.rejected == accounts.letters.total()
    assert counts.late == 0


@pytest.mark.parametrize("faults", [(DUPLICATES,), (REORDER, DUPLICATES), (DELAY,), (SKEW, DUPLICATES)])
def test_the_runner_counts_predicted_and_duplicate_windows_as_expected(
    faults: tuple[dict[str, Any], ...], predictor: Predictor
) -> None:
    planned = plan(scenario(*faults))

    verdicts = _verdicts(planned, predictor)
    counts = planned.accounts.counts
    assert (verdicts["predicted"], verdicts["duplicate"]) == (counts.predicted, counts.duplicate)
    assert verdicts.total() == counts.received


@pytest.mark.parametrize("by_min", [REFUSED_FROM_MIN, (48 - HOURS) * 60])
def test_the_runner_refuses_windows_of_a_clock_that_is_far_ahead_and_no_others(
    by_min: int, predictor: Predictor
) -> None:
    planned = plan(scenario(SKEW | {"by_min": by_min}))

    verdicts = _verdicts(planned, predictor)
    counts = planned.accounts.counts
    assert verdicts == {"predicted": counts.predicted} | (
        {"rejected": counts.rejected} if counts.rejected else {}
    )
    assert bool(counts.rejected) == (by_min == REFUSED_FROM_MIN)


def test_windows_of_a_clock_that_is_days_off_are_refused() -> None:
    ahead, behind = plan(scenario(FAR_AHEAD)), plan(scenario(FAR_BEHIND))

    assert ahead.accounts.letters == {"future": len(ahead.injected[0].stays)}
    assert behind.accounts.letters == {"unreadable": len(behind.injected[0].stays)}


def test_a_copy_of_a_broken_window_is_refused_like_it_and_one_of_a_whole_window_replaces_it() -> None:
    copied = plan(scenario(CORRUPT, DUPLICATES | {"share": 1})).accounts
    broken = plan(scenario(DUPLICATES | {"share": 1}, CORRUPT)).accounts

    once = plan(scenario(CORRUPT)).accounts
    assert copied.letters == Counter({reason: 2 * count for reason, count in once.letters.items()})
    assert broken.counts.predicted > BEDS * HOURS * 60 - broken.counts.rejected


def test_harmless_faults_leave_every_message_and_so_every_prediction(predictor: Predictor) -> None:
    harmless = scenario(DUPLICATES, REORDER, DELAY)
    planned = plan(harmless)

    assert harmless.harmless
    assert _ids(planned.accounts.usable) == _ids(planned.clean)
    expected = finals(planned.clean, predictor, planned.end)
    assert len(expected) == BEDS * HOURS
    assert finals(planned.accounts.usable, predictor, planned.end) == expected


def test_lost_messages_may_change_predictions(predictor: Predictor) -> None:
    lossy = scenario(DROP | {"share": 0.9})
    planned = plan(lossy)

    assert not lossy.harmless
    through = finals(planned.accounts.usable, predictor, planned.end)
    assert through != finals(planned.clean, predictor, planned.end)


def _verdicts(planned: Plan, predictor: Predictor) -> Counter[str]:
    """What the runner alone makes of the windows, in the order in which they are sent."""
    sent = [message for moment in planned.timeline.moments for message in moment.messages]
    windows = [WindowInput(0, message) for message in sent if isinstance(message, VitalWindow)]
    return Counter(verdict.outcome for verdict in Runner(predictor).cycle(windows).verdicts)


def _ids(messages: Sequence[StayMessage]) -> set[bytes]:
    return {message.to_bytes() for message in messages}
