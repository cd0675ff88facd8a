"""Files out of folders and archives, and what is said of damaged ones."""

from pathlib import Path

import pytest

from lemof_stream.cohorts.files import DataFile, data_files
from lemof_stream.errors import DataError
from tests.unit.cohorts.recordings import archive, write


def test_files_of_subfolders_and_archives_are_found_and_hidden_ones_left_out(tmp_path: Path) -> None:
    write(tmp_path, {"deep/er/one.txt": "1", "._one.txt": "x", "two.csv": "2"})
    archive(
        tmp_path / "deep/set.tar.xz", {"./set/three.txt": "3", "./set/._three.txt": "x", "./four.psv": "4"}
    )

    assert list(data_files(tmp_path, ".txt")) == [DataFile("one.txt", b"1"), DataFile("three.txt", b"3")]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_an_archive_that_is_cut_off_is_one_sentence(tmp_path: Path, share: float) -> None:
    path = archive(tmp_path / "set.tar.xz", {f"{i}.txt": str(7**i) * 50 for i in range(300)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(
        DataError, match=r"set\.tar\.xz is damaged or cut off \(.*\); copy or download it again\."
    ):
        list(data_files(path, ".txt"))


def test_an_archive_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "set.tar.xz").write_bytes(b"<html>404</html>")

    with pytest.raises(DataError, match="is damaged or cut off"):
        list(data_files(tmp_path, ".txt"))


@pytest.mark.parametrize(
    ("name", "sentence"), [("absent", "does not exist"), ("file.csv", "neither a folder nor")]
)
def test_a_path_that_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    write(tmp_path, {"file.csv": "1"})

    with pytest.raises(DataError, match=sentence):
        list(data_files(tmp_path / name, ".txt"))


def test_the_suffix_chooses_the_files(tmp_path: Path) -> None:
    write(tmp_path, {"one.txt": "1", "two.psv": "2"})

    assert list(data_files(tmp_path, ".psv")) == [DataFile("two.psv", b"2")]
