"""Writes small folders in published formats, and looks at what was read."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from lemof_stream.cohorts import Cohort

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


def measured(cohort: Cohort, row: int = 0) -> dict[tuple[str, int], float]:
    """The measurements of a stay: value by channel and minute."""
    rows = slice(*cohort.bounds[row : row + 2])
    columns = zip(cohort.channel[rows], cohort.minute[rows], cohort.value[rows], strict=True)
    return {(cohort.channels[channel], int(minute)): float(value) for channel, minute, value in columns}


def targets(cohort: Cohort, row: int = 0) -> dict[int, float]:
    """The targets of a stay by step."""
    assert cohort.step_targets is not None
    stay, step, value = cohort.step_targets
    return dict(zip(step[stay == row].tolist(), value[stay == row].tolist(), strict=True))


def assert_accounted(cohort: Cohort) -> None:
    """Every value that was read has one fate."""
    report = cohort.report
    assert report.values == report.malformed + sum(p.read for p in report.parameters.values())
    for parameter in report.parameters.values():
        assert parameter.read == parameter.kept + parameter.collapsed + sum(parameter.dropped.values())
