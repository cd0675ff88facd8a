"""Do two recordings agree on their predictions?"""

from pathlib import Path

import pytest

from lemof_stream.contracts.predictions import Prediction
from lemof_stream.errors import DataError
from simulators.diff import Comparison, compare
from tests.predictions import prediction
from tests.recording_files import row, write_predictions, write_recording


def compared(to: Path, a: list[Prediction], b: list[Prediction]) -> Comparison:
    return compare(write_predictions(to / "a", a), write_predictions(to / "b", b), 1e-5)


def test_only_the_last_revision_of_a_step_counts(tmp_path: Path) -> None:
    a = [prediction(revision=1, p_death=0.1), prediction(revision=5, p_death=0.3, kind="final")]
    b = [prediction(revision=2, p_death=0.9), prediction(revision=5, p_death=0.3, kind="final")]

    found = compared(tmp_path, a, b)

    assert (found.agree, found.compared, found.max_difference) == (True, 1, 0.0)


def test_values_may_be_apart_by_the_tolerance(tmp_path: Path) -> None:
    a = write_predictions(tmp_path / "a", [prediction(p_death=0.1)])
    b = write_predictions(tmp_path / "b", [prediction(p_death=0.1 + 9e-6)])

    assert compare(a, b, 1e-5).agree
    found = compare(a, b, 1e-6)
    assert (found.agree, found.differing) == (False, 1)
    assert found.max_difference == pytest.approx(9e-6)
    assert (found.examples[0].stay_id, found.examples[0].column) == ("stay-1", "p_death")


def test_what_one_side_lacks_is_counted_on_it(tmp_path: Path) -> None:
    a = [prediction(step=1), prediction(step=2)]
    b = [prediction(step=1), prediction("stay-2", 1), prediction("stay-3", 1)]

    found = compared(tmp_path, a, b)

    assert (found.agree, found.compared, found.missing_in_a, found.missing_in_b) == (False, 1, 2, 1)


def test_another_kind_or_no_number_is_a_difference(tmp_path: Path) -> None:
    a = [prediction("stay-1"), prediction("stay-2")]
    b = [prediction("stay-1", kind="stale"), prediction("stay-2", predictions={})]

    found = compared(tmp_path, a, b)

    assert (found.agree, found.differing) == (False, 2)
    assert [one.kinds for one in found.examples] == [("provisional", "stale"), ("provisional", "provisional")]


def test_a_recording_without_predictions_is_one_sentence(tmp_path: Path) -> None:
    inputs = write_recording(tmp_path / "inputs", [row(0)])

    with pytest.raises(DataError, match=r"holds no predictions\.v1"):
        compare(inputs, inputs, 1e-5)
