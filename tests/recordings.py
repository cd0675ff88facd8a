"""A few stays of the recordings, as published: what a test can wait for."""

import tarfile
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lemof_stream.cohorts import read_cohort

_STAYS: Final = 6


def some_of_physionet(data_dir: Path, to: Path, stays: int) -> Path:
    """The first stays of set B of PhysioNet 2012, which its archive holds in the order of their names."""
    return _unpack(data_dir / "physionet2012" / "set-b.tar.xz", ".txt", to, stays)


def some_of_eicu(data_dir: Path, to: Path) -> Path:
    """Stays of the eICU demo, the shortest of those whose last hours hold no value among them."""
    cohort = read_cohort("eicu", data_dir / "eicu_demo")
    measured_until = np.zeros(len(cohort), np.int64)
    np.maximum.at(measured_until, cohort.stay, cohort.minute)
    empty_end = np.flatnonzero(cohort.recorded_until - measured_until > 60)
    empty_end = empty_end[np.argsort(cohort.recorded_until[empty_end], kind="stable")]
    rows = [*empty_end[:2].tolist(), *range(_STAYS - 2)]
    ids = pa.array([int(cohort.stay_ids[row]) for row in rows])
    to.mkdir()
    for name in ("dyn.parquet", "sta.parquet"):
        table = pq.read_table(data_dir / "eicu_demo" / name)
        pq.write_table(table.filter(pc.is_in(table["stay_id"], ids)), to / name)
    return to


def some_of_sepsis(data_dir: Path, to: Path) -> Path:
    """The first stays of set B of Sepsis 2019."""
    return _unpack(data_dir / "sepsis2019" / "training_setB.tar.xz", ".psv", to, _STAYS)


def _unpack(archive: Path, ending: str, to: Path, number: int) -> Path:
    to.mkdir()
    with tarfile.open(archive) as tar:
        files = (member for member in tar if member.name.endswith(ending))
        for member in islice(files, number):
            source = tar.extractfile(member)
            assert source is not None
            (to / Path(member.name).name).write_bytes(source.read())
    return to
