"""Recorded waveforms as a feed."""

from datetime import timedelta

import numpy as np
import pytest

from lemof_stream.cohorts.bidmc import Recording, read
from lemof_stream.contracts.ehr import Admission, Discharge
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.signals import vital_windows
from simulators.feed import ORIGIN, timeline_of
from simulators.gateway import WaveformFeed
from simulators.timeline import StayMessage
from tests.unit.cohorts.bidmc_files import recording, signals
from tests.unit.cohorts.recordings import write


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recording, ...]:
    """Two minutes of everything, and two of which nothing is known."""
    files = recording("a") | {"b_Signals.csv": signals(leave_out=("II", "RESP", "PLETH"))}
    return read(write(tmp_path_factory.mktemp("bidmc"), files)).recordings


def sent(recordings: tuple[Recording, ...], start_min: int = 0) -> list[StayMessage]:
    timeline = timeline_of(WaveformFeed(recordings, start_min))
    return [message for moment in timeline.moments for message in moment.messages]


def test_a_window_leaves_when_its_last_second_is_over(recordings: tuple[Recording, ...]) -> None:
    timeline = timeline_of(WaveformFeed(recordings))

    for moment in timeline.moments:
        for message in moment.messages:
            if isinstance(message, VitalWindow):
                assert message.end - message.start == timedelta(seconds=60)
                assert ORIGIN + timedelta(seconds=moment.at_s) == message.end
    assert timeline.end_s == 120


def test_the_gateway_sends_its_rates_and_the_monitor_its_saturation(
    recordings: tuple[Recording, ...],
) -> None:
    windows = [m for m in sent(recordings) if isinstance(m, VitalWindow) and m.stay_id == "a"]

    derived = [w for w in windows if w.device == "gateway"]
    expected = vital_windows(recordings[0].waveforms)
    assert [w.channels for w in derived] == [own.channels() for own in expected]
    assert [w.priority for w in derived] == [round(9 * (1 - own.quality)) for own in expected]
    shown = recordings[0].numerics["SpO2"]
    assert [w.channels for w in windows if w.device == "monitor"] == [
        {"spo2": np.nanmedian(shown[start : start + 60])} for start in (0, 60)
    ]


def test_what_is_rejected_is_a_gap(recordings: tuple[Recording, ...]) -> None:
    messages = [m for m in sent(recordings) if m.stay_id == "b"]

    assert [type(m) for m in messages] == [Admission, Discharge]


def test_a_recording_starts_and_ends_at_its_own_time(recordings: tuple[Recording, ...]) -> None:
    messages = [m for m in sent(recordings, start_min=5) if m.stay_id == "b"]

    admitted, left = (m.event_time - ORIGIN for m in messages if not isinstance(m, VitalWindow))
    assert (admitted, left) == (timedelta(minutes=5), timedelta(minutes=7))
