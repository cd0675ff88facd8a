"""What a standby holds answers as the topic would; where it cannot, it says so."""

from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from lemof_stream.worker.arrivals import Origin
from lemof_stream.worker.standby import Held

TOPIC = "topic"
keys = st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=30)


def record(offset: int, key: bytes, at: int, value: bytes | None = b"value") -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(TOPIC, 0, offset, at, 0, key, value, None, 0, 0, ())


@given(keys, st.integers(0, 30), st.sets(st.integers(0, 30)), st.integers(0, 40))
def test_the_last_record_before_an_offset_is_the_topics_or_is_said_not_to_be_held(
    of: list[bytes], stop: int, refused: set[int], settled_ms: int
) -> None:
    records = [record(offset, key, at=offset) for offset, key in enumerate(of)]
    held = Held(0, settled_ms)
    for one in records:
        held.add(one)

    def left_out(origin: Origin) -> bool:
        return origin[2] in refused

    from_topic = {one.key: one for one in records[:stop] if one.offset not in refused}
    found = held.latest(stop, left_out)
    if found is None:
        assert len(of) - stop >= settled_ms or refused & set(range(len(of))), (
            "it was long settled, or refused"
        )
    else:
        assert found == from_topic


def test_of_what_is_settled_only_the_last_is_held_and_a_tombstone_ends_a_key() -> None:
    held = Held(0, 0)
    for offset in range(5):
        held.add(record(offset, b"a", at=offset, value=b"123456789"))
    assert held.bytes == 10
    held.add(record(5, b"a", at=5, value=None))
    assert (held.bytes, held.latest(None, lambda _: False)) == (0, {})


def test_a_record_that_was_refused_long_after_leaves_the_one_before_it_unknown() -> None:
    held = Held(0, 10)
    for offset, at in enumerate((0, 20, 40)):
        held.add(record(offset, b"a", at=at))
    assert held.latest(2, lambda origin: origin[2] == 1) is None
