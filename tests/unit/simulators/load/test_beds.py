"""Windows that are written from templates are windows of the contract."""

from datetime import UTC, datetime, timedelta

import numpy as np

from lemof_stream.contracts.channels import CHANNELS
from lemof_stream.contracts.topics import partition_of
from lemof_stream.contracts.vitals import VitalWindow
from simulators.load.beds import Beds, WindowWriter

BEGAN = datetime(2026, 3, 1, 8, 0, 17, 123456, tzinfo=UTC)
PARTITIONS = 4


def test_every_written_window_reads_as_the_contracts_and_is_what_was_asked_for() -> None:
    beds = Beds(50, BEGAN, PARTITIONS)
    writer = WindowWriter(beds, range(50), 2.5)
    rows = np.arange(200) % 50
    ends = [BEGAN + timedelta(milliseconds=1000 + 37 * n) for n in range(200)]
    end_ms = np.array([int(end.timestamp() * 1000) for end in ends])

    for row, at_ms, (partition, key, value) in zip(rows, end_ms, writer.write(rows, end_ms), strict=True):
        window = VitalWindow.from_bytes(value)
        assert window.stay_id == beds.stay_id(int(row))
        assert round(window.end.timestamp() * 1000) == at_ms
        assert window.end - window.start == timedelta(seconds=2.5)
        assert window.window_id == f"{window.stay_id}-{at_ms}"
        assert window.admitted_at < window.start
        assert (partition, key) == (partition_of(window.stay_id, PARTITIONS), window.stay_id.encode())
        for name, measured in window.channels.items():
            assert CHANNELS[name].plausible.low <= measured <= CHANNELS[name].plausible.high


def test_beds_know_their_own_stays_and_no_others() -> None:
    beds, others = Beds(3, BEGAN, PARTITIONS), Beds(3, BEGAN + timedelta(milliseconds=1), PARTITIONS)
    assert [beds.bed_of(beds.stay_id(bed)) for bed in range(4)] == [0, 1, 2, None]
    assert beds.bed_of(others.stay_id(0)) is None
    assert beds.bed_of("sim-1-001") is None


def test_a_bed_is_admitted_and_discharged_as_one_stay() -> None:
    beds = Beds(20, BEGAN, PARTITIONS)
    admitted = {event.stay_id: event.admitted_at for event in beds.admissions(0)}
    ended = {event.stay_id: event.admitted_at for event in beds.discharges(BEGAN)}
    assert admitted == ended
    assert len({at.minute for at in admitted.values()}) == 20, "steps of neighbours close at different times"
    assert [event.stay_id for event in beds.admissions(18)] == [beds.stay_id(18), beds.stay_id(19)]
