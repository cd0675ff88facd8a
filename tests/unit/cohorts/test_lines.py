"""The batch parser of lines."""

import pytest

from lemof_stream.cohorts.lines import parse
from lemof_stream.errors import DataError


def test_each_line_keeps_the_file_it_comes_from() -> None:
    lines = parse([b"head\n00:01,HR,5\n00:02,HR,6", b"head", b"head\n01:00,pH,7.4\n"])

    assert lines.source.tolist() == [0, 0, 2]
    assert lines.minute.tolist() == [1, 2, 60]
    assert lines.value.tolist() == [5, 6, 7.4]
    assert [lines.names[i] for i in lines.parameter] == ["HR", "HR", "pH"]


def test_bytes_that_are_no_text_stay_in_their_line() -> None:
    lines = parse([b'head\n00:01,"H\xff,5\n00:02,HR,\x00\n00:03,HR,8\n'])

    assert lines.minute.tolist() == [1, 2, 3]
    assert lines.value[2] == 8


def test_a_line_that_never_ends_is_one_sentence() -> None:
    with pytest.raises(DataError, match="line of more than 16 MB"):
        parse([b"head\n" + b"x" * (40 << 20)])


def test_a_time_beyond_a_year_is_none() -> None:
    lines = parse([b"head\n8784:00,HR,5\n8784:01,HR,6\n99999:00,HR,7\n"])

    assert lines.minute.tolist() == [366 * 24 * 60, -1, -1]
