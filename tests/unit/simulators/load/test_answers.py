"""Which window a prediction answers, and from when its wait counts."""

import numpy as np

from simulators.load.answers import Waiting
from simulators.load.generator import Start
from simulators.load.plan import Schedule

START = Start(wall_ms=1_000_000, monotonic_s=500.0)


def waiting() -> Waiting:
    """Two beds that take turns every second; the last two windows of bed 0 are sent together at second 6."""
    due = Schedule(
        due_s=np.array([0.0, 1.0, 2.0, 3.0, 6.0, 6.0]),
        end_ms=np.array([0, 1000, 2000, 3000, 4000, 5000]),
        bed=np.array([0, 1, 0, 1, 0, 0]),
    )
    found = Waiting(due)
    found.begin(START)
    return found


def test_a_prediction_answers_every_window_of_its_bed_that_it_holds_and_no_later_one() -> None:
    windows = waiting()
    windows.answer(0, START.wall_ms + 2000, 502.5)
    assert windows.left == 4
    assert np.array_equal(windows.answered_s(), [2.5, np.nan, 2.5, np.nan, np.nan, np.nan], equal_nan=True)


def test_only_the_first_answer_counts() -> None:
    windows = waiting()
    windows.answer(1, START.wall_ms + 1000, 501.5)
    windows.answer(1, START.wall_ms + 1000, 509.0)
    windows.answer(1, START.wall_ms + 3000, 503.25)
    assert windows.answered_s()[[1, 3]].tolist() == [1.5, 3.25]


def test_a_prediction_from_before_or_of_a_bed_that_sends_nothing_answers_nothing() -> None:
    windows = waiting()
    windows.answer(0, START.wall_ms - 1, 500.1)
    windows.answer(7, START.wall_ms + 9000, 500.1)
    assert windows.left == 6
