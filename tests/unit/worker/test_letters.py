import random
from typing import Any, Final

from aiokafka import ConsumerRecord

from lemof_stream.contracts.operations import DeadLetter
from lemof_stream.contracts.topics import DEAD_LETTERS, MESSAGE_BYTES, TOPICS, VITALS
from lemof_stream.worker.letters import dead_letter, letter_key, letter_origin

ROOM: Final = next(topic.max_message_bytes for topic in TOPICS if topic.name == DEAD_LETTERS)
NOISE: Final = random.Random(1).randbytes(3 * MESSAGE_BYTES)


def record(**facts: Any) -> "ConsumerRecord[bytes, bytes]":
    chosen: dict[str, Any] = {
        "timestamp": 0,
        "key": b"bed",
        "value": b"",
        "topic": VITALS,
        "partition": 2,
        "offset": 9,
    }
    sizes = {"serialized_key_size": -1, "serialized_value_size": -1}
    return ConsumerRecord(**(chosen | facts), timestamp_type=0, checksum=None, **sizes, headers=())


def size(letter: DeadLetter) -> int:
    return len(letter.to_bytes()) + len(letter_key(letter))


def test_a_letter_of_the_largest_message_fits_whether_it_is_all_value_or_all_key() -> None:
    largest = NOISE[:MESSAGE_BYTES]
    for facts in ({"key": None, "value": largest}, {"key": largest, "value": None}):
        letter = dead_letter(record(**facts), "g", "unreadable", "x" * 10_000)
        assert (letter.key, letter.value) == (facts["key"], facts["value"])
        assert size(letter) < ROOM


def test_a_message_that_was_larger_than_the_limit_before_compression_is_cut_to_fit() -> None:
    letter = dead_letter(record(key=NOISE[:100], value=NOISE), "g", "unreadable", "")
    assert letter.key == NOISE[:100]
    assert letter.value == NOISE[: MESSAGE_BYTES - 100]
    assert size(dead_letter(record(key=NOISE, value=NOISE), "g", "unreadable", "")) < ROOM


def test_a_long_sentence_is_cut() -> None:
    letter = dead_letter(record(), "g", "unreadable", "x" * 100_000)
    assert len(letter.detail) == 500
    assert letter.detail.endswith("x ...")


def test_no_timestamp_is_beyond_a_letter() -> None:
    for timestamp in (-(2**63), -1, 0, 2**63 - 1):
        letter = dead_letter(record(timestamp=timestamp), "g", "unreadable", "")
        assert DeadLetter.from_bytes(letter.to_bytes()) == letter


def test_the_key_of_a_letter_says_what_it_is_about() -> None:
    key = letter_key(dead_letter(record(), "a|group", "late", ""))
    assert letter_origin(key, "a|group", {VITALS}) == (VITALS, 2, 9)
    assert letter_origin(key, "another", {VITALS}) is None
    assert letter_origin(key, "a|group", {"other.topic"}) is None
    for strange in (None, b"", b"a|group", b"a|group|vitals.windows.v1|two|9", b"\xff|\xff|\xff|\xff"):
        assert letter_origin(strange, "a|group", {VITALS}) is None
