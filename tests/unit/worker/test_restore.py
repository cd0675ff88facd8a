from collections import deque

from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from lemof_stream.contracts.topics import VITALS
from lemof_stream.worker.arrivals import Arrival
from lemof_stream.worker.restore import in_event_time

times = st.lists(st.integers(0, 20).map(float), max_size=20)


def arrivals(topic: str, at: list[float]) -> list[Arrival]:
    records = (ConsumerRecord(topic, 0, offset, 0, 0, b"", b"", None, 0, 0, ()) for offset in range(len(at)))
    return [Arrival(record, record.topic == VITALS, time) for record, time in zip(records, at, strict=True)]


@given(times, times.map(sorted))
def test_windows_keep_their_order_and_every_ehr_record_comes_before_the_first_window_that_is_later(
    windows: list[float], ehr: list[float]
) -> None:
    waiting = deque(arrivals("e", ehr))
    out = list(in_event_time(arrivals("v", windows), waiting))
    assert [arrival.time for arrival in out if arrival.record.topic == "v"] == windows
    assert [arrival.time for arrival in (*out, *waiting) if arrival.record.topic == "e"] == ehr
    assert all(arrival.time >= max(windows, default=-1) for arrival in waiting)
    for index, arrival in enumerate(out):
        if arrival.record.topic == "v":
            later = (other.time for other in out[index:] if other.record.topic == "e")
            assert all(time >= arrival.time for time in later)
