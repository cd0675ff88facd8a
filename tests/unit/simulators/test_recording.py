"""The file of a recording."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lemof_stream.contracts.topics import EHR_EVENTS, VITALS
from lemof_stream.errors import ConfigError, DataError
from simulators.recording import Recording, Row
from tests.recording_files import row, write_recording

_BYTES = st.none() | st.binary(max_size=20)
_ROWS = st.lists(
    st.builds(
        Row,
        topic=st.sampled_from([VITALS, EHR_EVENTS]),
        partition=st.integers(0, 3),
        offset=st.integers(0, 2**62),
        timestamp=st.integers(-1, 2**62),
        timestamp_type=st.sampled_from([0, 1]),
        key=_BYTES,
        value=_BYTES,
        headers=st.lists(st.tuples(st.text(max_size=5), _BYTES), max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=50, deadline=None)
@given(rows=_ROWS)
def test_rows_come_back_as_they_were(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> None:
    recording = write_recording(tmp_path_factory.mktemp("recording") / "rows.arrow", rows)

    assert list(recording.rows(VITALS, EHR_EVENTS)) == rows
    assert list(recording.rows(VITALS)) == [row for row in rows if row.topic == VITALS]
    assert sum(recording.counts().values()) == len(rows)
    assert not recording.broken_off


def test_arrow_alone_reads_a_recording(tmp_path: Path) -> None:
    write_recording(tmp_path / "rows.arrow", [row(0), row(1)])

    table = pa.ipc.open_stream((tmp_path / "rows.arrow").read_bytes()).read_all()

    assert table["offset"].to_pylist() == [0, 1]
    assert f"{table['timestamp'][0]}" == "2026-01-01 00:00:00+00:00"


def test_a_file_that_is_cut_anywhere_holds_its_whole_groups_and_is_known_to_be_broken_off(
    tmp_path: Path,
) -> None:
    rows = [row(offset) for offset in range(4)]
    write_recording(tmp_path / "whole.arrow", rows)
    content = (tmp_path / "whole.arrow").read_bytes()
    cut = tmp_path / "cut.arrow"

    held: set[int] = set()
    for size in range(0, len(content), 8):  # Arrow writes in multiples of 8
        cut.write_bytes(content[:size])
        try:
            recording = Recording(cut)
        except DataError:
            assert not held, "once the heading is there, the file can be read"
            continue
        found = list(recording.rows(VITALS))
        assert recording.broken_off
        assert found == rows[: len(found)]
        held.add(len(found))
    assert held == {0, 1, 2, 3, 4}


def test_a_file_that_is_damaged_in_its_middle_is_one_sentence(tmp_path: Path) -> None:
    write_recording(tmp_path / "rows.arrow", [row(0, value=bytes(1000)), row(1)])
    content = bytearray((tmp_path / "rows.arrow").read_bytes())
    middle = content.index(b"\x28\xb5\x2f\xfd")  # where zstd's first frame begins
    content[middle : middle + 4] = bytes(4)
    (tmp_path / "rows.arrow").write_bytes(content)

    with pytest.raises(DataError, match="damaged"):
        list(Recording(tmp_path / "rows.arrow").rows(VITALS))


def test_what_is_no_recording_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no recording")
    with pa.ipc.new_stream(tmp_path / "other.arrow", pa.schema({"a": pa.int8()})):
        pass

    with pytest.raises(DataError, match="no recording"):
        Recording(tmp_path / "text")
    with pytest.raises(DataError, match="no recording"):
        Recording(tmp_path / "other.arrow")
    with pytest.raises(DataError, match="cannot be read"):
        Recording(tmp_path / "absent.arrow")


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")

    with pytest.raises(ConfigError, match="is there already"):
        write_recording(tmp_path / "kept", [row(0)])

    assert (tmp_path / "kept").read_text() == "kept"
