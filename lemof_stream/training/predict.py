"""Offline predictions of a cohort: one row a stay and step."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from lemof_stream.cohorts import Cohort
from lemof_stream.model import Predictor
from lemof_stream.training.dataset import StepData, step_data


def predict(predictor: Predictor, cohort: Cohort) -> pa.Table:
    """Predictions of every step from the first to the last that holds data, in the cohort's order of stays."""
    parts = [
        as_table(part, predictor.forward(part.inputs).columns, predictor.schema.step_minutes)
        for part in step_data(cohort, predictor.schema).chunks()
    ]
    return pa.concat_tables(parts)


def as_table(data: StepData, columns: dict[str, Tensor], step_minutes: int) -> pa.Table:
    """Columns [N, T] as rows of stay and step, without the steps after a stay's last."""
    held = data.inputs.step <= data.last_step.unsqueeze(1)
    stays = [
        stay_id
        for stay_id, count in zip(data.stay_ids, data.last_step.tolist(), strict=True)
        for _ in range(count)
    ]
    table: dict[str, pa.Array] = {
        "stay_id": pa.array(stays, pa.string()),
        "step_end_min": pa.array((data.inputs.step[held] * step_minutes).numpy()),
    }
    return pa.table(table | {name: pa.array(column[held].numpy()) for name, column in columns.items()})


def write_predictions(table: pa.Table, file: Path) -> None:
    """Write Parquet; the folder is made if it is not there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file)


def one_thread() -> None:
    """Keep the machine usable for others: small matrices gain nothing from more threads."""
    torch.set_num_threads(1)
