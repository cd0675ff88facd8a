"""`lemof signals`: waveforms into vital windows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from lemof_stream.cli.cohort_options import Data, folders
from lemof_stream.cohorts import bidmc
from lemof_stream.errors import ConfigError
from lemof_stream.settings import load_settings

if TYPE_CHECKING:
    from lemof_stream.cohorts import Recording

_SCHEMA = pa.schema(
    [("record", pa.string())]
    + [(name, pa.float64()) for name in ("start_s", "end_s", "heart_rate", "resp_rate", "quality")]
)


def command(
    out: Annotated[Path, typer.Option("--out", metavar="FILE.parquet", help="Where the windows go.")],
    data: Data = None,
) -> None:
    """Derive heart and breath rates of every 60 seconds of BIDMC waveforms, empty where they are not to be trusted."""
    recordings = bidmc.read(*folders(bidmc.NAME, data, load_settings())).recordings
    table = pa.Table.from_pylist([row for own in recordings for row in _rows(own)], _SCHEMA)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, out)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written ({error.strerror or error}); check --out.") from None
    rated = ", ".join(
        f"{table.num_rows - table[name].null_count:,} with a {name.replace('_', ' ')}"
        for name in ("heart_rate", "resp_rate")
    )
    typer.echo(f"{table.num_rows:,} windows of {len(recordings):,} recordings in {out}, {rated}", err=True)


def _rows(recording: "Recording") -> list[dict[str, object]]:
    from lemof_stream.signals import vital_windows

    return [{"record": recording.record, **own.model_dump()} for own in vital_windows(recording.waveforms)]
