"""A folder in the published format of PhysioNet 2012 whose outcomes can be learnt from its vital signs."""

from pathlib import Path

import numpy as np

from tests.unit.cohorts.recordings import stay, write

HOURS = 6


def write_stays(folder: Path, count: int, *, outcomes: bool = True) -> Path:
    """`count` stays of six hours: every fourth has a fast heart and dies, lengths of stay fall into all bins."""
    random = np.random.default_rng(0)
    files, lines = {}, ["RecordID,SAPS-I,SOFA,Length_of_stay,Survival,In-hospital_death"]
    for index in range(count):
        record, dies = 140_000 + index, index % 4 == 0
        days = (2, 5, 10, 20)[int(random.integers(4))]
        files[f"set-a/{record}.txt"] = stay(record, *_lines(random, 130 if dies else 80, days))
        lines.append(f"{record},1,1,{days},-1,{int(dies)}")
    if outcomes:
        files["Outcomes-a.txt"] = "\n".join(lines) + "\n"
    return write(folder, files)


def _lines(random: np.random.Generator, heart_rate: float, days: int) -> list[str]:
    made = []
    for hour in range(HOURS):
        made.append(f"{hour:02d}:{random.integers(1, 59):02d},HR,{heart_rate + random.normal(0, 8):.0f}")
        if random.random() < 0.5:
            made.append(f"{hour:02d}:59,BUN,{10 + days + random.normal(0, 2):.1f}")
    return made
