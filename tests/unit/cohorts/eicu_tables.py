"""Writes small folders in the published format of the eICU demo."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = (
    "alb", "alp", "alt", "ast", "be", "bicar", "bili", "bili_dir", "bnd", "bun", "ca", "cai", "ck", "ckmb", "cl",
    "crea", "crp", "dbp", "fgn", "fio2", "glu", "hgb", "hr", "inr_pt", "k", "lact", "lymph", "map", "mch", "mchc",
    "mcv", "methb", "mg", "na", "neut", "o2sat", "pco2", "ph", "phos", "plt", "po2", "ptt", "resp", "sbp", "temp",
    "tnt", "urine", "wbc",
)  # fmt: skip
"""As published."""


def eicu_row(stay_id: int, hour: float | None, **values: float) -> dict[str, Any]:
    """A row of `dyn.parquet`; `hour` None leaves its time empty."""
    time = None if hour is None else timedelta(hours=hour)
    return {"stay_id": stay_id, "time": time, **dict.fromkeys(COLUMNS), **values}


def eicu_stay(stay_id: int, **facts: Any) -> dict[str, Any]:
    """A row of `sta.parquet`."""
    known = {"age": 60.0, "sex": "Male", "height": 170.0, "weight": 80.0, "uniquepid": "006-1"}
    return {"stay_id": stay_id, **known, **facts}


def write_eicu(
    folder: Path,
    rows: Sequence[dict[str, Any]],
    stays: Sequence[dict[str, Any]],
    labels: Sequence[tuple[int, float, float]] | None = None,
) -> Path:
    """Write the tables, `outc.parquet` only where there are labels (stay, hour, value); returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {name: pa.float64() for row in rows for name in row}
    schema = pa.schema(numbers | {"stay_id": pa.int32(), "time": pa.duration("s")})
    pq.write_table(pa.Table.from_pylist(list(rows), schema), folder / "dyn.parquet")
    pq.write_table(pa.Table.from_pylist(list(stays)), folder / "sta.parquet")
    if labels is not None:
        named = [
            {"label": value, "time": timedelta(hours=hour), "stay_id": stay} for stay, hour, value in labels
        ]
        pq.write_table(pa.Table.from_pylist(named), folder / "outc.parquet")
    return folder
