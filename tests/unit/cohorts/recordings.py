"""Writes small folders in the published format of PhysioNet 2012."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

OUTCOMES = """RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death
132539,6,1,5,-1,0
132540,16,8,-1,-1,1
"""


def stay(record_id: int | str, *lines: str, age: str = "54", weight: str = "-1") -> str:
    """The text of a stay: the six descriptors of minute 0, then `lines`."""
    descriptors = (
        f"RecordID,{record_id}", f"Age,{age}", "Gender,0", "Height,-1", "ICUType,4", f"Weight,{weight}"
    )  # fmt: skip
    return "\n".join(["Time,Parameter,Value", *(f"00:00,{d}" for d in descriptors), *lines]) + "\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files (path within the folder: text); returns the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def archive(path: Path, files: Mapping[str, str]) -> Path:
    """Write files into a `*.tar.xz`; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:xz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return path
