"""The files of a folder, whether they lie there as they are or inside `*.tar.xz` archives."""

import io
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from lemof_stream.errors import DataError

ARCHIVE = ".tar.xz"


class DataFile(NamedTuple):
    """One file: its name without folders and its content."""

    name: str
    content: bytes


def data_files(path: Path, *suffixes: str) -> Iterator[DataFile]:
    """The files with one of the suffixes (`.txt`) under a folder or inside an archive, extracted ones first, each part
    sorted.

    Hidden files are left out: archives made on macOS hold a `._name` beside each file.

    Raises:
        DataError: the path does not exist, or a file cannot be read, or an archive is damaged.
    """
    try:
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
            for file in found:
                if file.suffix in suffixes:
                    yield DataFile(file.name, file.read_bytes())
            archives = [file for file in found if file.name.endswith(ARCHIVE)]
        elif path.is_file() and path.name.endswith(ARCHIVE):
            archives = [path]
        elif path.exists():
            raise DataError(f"{path} is neither a folder nor a *{ARCHIVE} archive; name one of these.")
        else:
            raise DataError(f"{path} does not exist; check the path after --data.")
        for archive in archives:
            yield from _members(archive, suffixes)
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read ({error.strerror}); check it.") from None


def _members(archive: Path, suffixes: tuple[str, ...]) -> Iterator[DataFile]:
    try:
        # All at once: tarfile, reading on the fly, takes some cut archives for complete ones.
        content = lzma.decompress(archive.read_bytes())
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                handle = tar.extractfile(member) if member.isfile() else None
                if handle is not None and name.suffix in suffixes and not name.name.startswith("."):
                    yield DataFile(name.name, handle.read())
    except (lzma.LZMAError, tarfile.TarError, EOFError) as error:
        raise DataError(
            f"{archive} is damaged or cut off ({str(error).rstrip('.').lower()}); copy or download it again."
        ) from None
