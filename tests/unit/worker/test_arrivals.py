from typing import Final

from aiokafka import ConsumerRecord

from lemof_stream.contracts.ehr import Watermark
from lemof_stream.contracts.topics import EHR_FEATURES, VITALS, partition_of
from lemof_stream.runner.cycle import EhrInput, Erased, WindowInput
from lemof_stream.worker.arrivals import Arrival, read_arrival
from lemof_stream.worker.ehr_fold import hour_key, stay_key, watermark_key
from lemof_stream.worker.merge import AT_ONCE
from tests.streams import admission, at, window
from tests.topics import PARTITIONS

HOME: Final = partition_of("bed", PARTITIONS)


def arrival(topic: str, key: bytes | None, value: bytes | None, partition: int = HOME) -> Arrival:
    return read_arrival(ConsumerRecord(topic, partition, 5, 0, 0, key, value, None, 0, 0, ()), PARTITIONS)


def reason(of: Arrival) -> str | None:
    return None if of.refusal is None else of.refusal.reason


def test_a_window_is_an_input_at_its_end() -> None:
    read = arrival(VITALS, b"bed", window("bed", 30).to_bytes())
    assert isinstance(read.input, WindowInput)
    assert (read.time, read.is_window) == (at(30).timestamp(), True)


def test_an_ehr_record_is_an_input_at_its_event_time_and_others_of_that_instant_may_follow() -> None:
    read = arrival(EHR_FEATURES, stay_key("bed"), admission("bed").to_bytes())
    assert isinstance(read.input, EhrInput)
    assert (read.time, read.is_window) == (at(0).timestamp(), False)
    assert at(0).timestamp() - 1e-3 < read.progress < at(0).timestamp()


def test_a_watermark_is_no_input_and_tells_how_far_the_feed_has_come() -> None:
    read = arrival(EHR_FEATURES, watermark_key(HOME), Watermark(event_time=at(60)).to_bytes())
    assert (read.input, read.refusal, read.time, read.progress) == (None, None, AT_ONCE, at(60).timestamp())


def test_the_tombstone_of_a_stays_record_tells_that_the_stay_is_erased() -> None:
    assert arrival(EHR_FEATURES, stay_key("bed"), None).input == Erased("bed")


def test_another_tombstone_on_the_features_is_nothing_and_one_on_the_vitals_unreadable() -> None:
    gone = arrival(EHR_FEATURES, hour_key("bed", 3), None)
    assert (gone.input, gone.refusal) == (None, None)
    assert reason(arrival(VITALS, b"bed", None)) == "unreadable"


def test_what_has_no_event_time_waits_for_nothing() -> None:
    assert arrival(VITALS, b"bed", b"no json").time == AT_ONCE


def test_a_key_that_is_not_the_stays_is_refused() -> None:
    assert reason(arrival(VITALS, b"bed-2", window("bed", 30).to_bytes())) == "unreadable"
    assert reason(arrival(VITALS, None, window("bed", 30).to_bytes())) == "unreadable"
    assert reason(arrival(EHR_FEATURES, stay_key("bed-2"), admission("bed").to_bytes())) == "unreadable"


def test_a_stay_outside_its_partition_is_refused() -> None:
    elsewhere = (HOME + 1) % PARTITIONS
    assert reason(arrival(VITALS, b"bed", window("bed", 30).to_bytes(), elsewhere)) == "misplaced"
