"""Which prediction answers which window, and since when it was waited for."""

import json
from datetime import UTC, datetime

import numpy as np

from lemof_stream.worker.bench.beds import Beds
from lemof_stream.worker.bench.latency import Latency, join


def _prediction(stay_id: str, event_time: float) -> bytes:
    said = {"stay_id": stay_id, "event_time": datetime.fromtimestamp(event_time, UTC).isoformat()}
    return json.dumps(said).encode()


def test_a_window_waits_from_when_it_was_due_to_the_first_prediction_that_holds_it() -> None:
    windows = list(Beds(2, 4).windows(6))  # three of each bed
    due = np.arange(6.0)
    a, b = windows[0].stay_id, windows[1].stay_id
    arrivals = [
        (2.5, _prediction(a, windows[0].event_time)),
        (7.0, _prediction(b, windows[3].event_time)),  # holds the bed's first as well
        (7.5, _prediction(a, windows[0].event_time)),  # a final of an older step
        (8.0, _prediction(a, windows[2].event_time)),
        (9.0, _prediction(a, windows[2].event_time)),
    ]
    waited = join(windows, due, arrivals)
    np.testing.assert_array_equal(waited, [2.5, 6.0, 6.0, 4.0, np.nan, np.nan])


def test_an_engine_that_leaves_windows_unanswered_or_waiting_for_a_second_is_saturated() -> None:
    assert not Latency(100, p50=10, p99=999, late_ms=0, counted=10, missing=0).saturated
    assert Latency(100, p50=10, p99=1001, late_ms=0, counted=10, missing=0).saturated
    assert Latency(100, p50=10, p99=20, late_ms=0, counted=10, missing=1).saturated
