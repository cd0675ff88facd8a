"""Settings: defaults, then a TOML file, then `LEMOF_*` environment variables, then flags."""

import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lemof_stream.config_files import first_complaint, read_toml
from lemof_stream.errors import ConfigError

GROUP: Final = "lemof-runner"
SHADOW_GROUP: Final = "lemof-runner-shadow"


class Settings(BaseSettings):
    """Everything that a deployment may set. Environment: `LEMOF_` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="LEMOF_", extra="forbid", frozen=True)

    brokers: str = "127.0.0.1:9092"
    partitions: Annotated[int, Field(ge=1)] = 4
    """Partitions of every topic; the most runner processes that share the work."""
    replication: Annotated[int, Field(ge=1)] = 1
    shadow: bool = False
    """Whether the runner is a shadow: it takes the same inputs and writes its predictions to a topic of their own."""
    group: str = Field(default_factory=lambda known: SHADOW_GROUP if known.get("shadow") else GROUP)
    """Consumer group of the runner: lemof-runner, or lemof-runner-shadow. One group publishes for a ward, as alerts and
    the board follow one model; a checkpoint beside it is a shadow."""
    checkpoint: Path | None = None
    """A checkpoint folder; None takes the one that ships inside the package. What `lemof model use` chose for the group
    goes before it, as a process that is started anew would undo that otherwise."""
    idle_ms: Annotated[int, Field(ge=0)] = 30_000
    """How long a window waits for EHR progress. Long enough for the EHR app to start and catch up in a replay; an
    EHR feed that is down delays a bedside deployment once by this much."""
    ehr_slack_s: Annotated[float, Field(ge=0)] = 30.0
    """EHR progress that is at most this far behind a window (event time) is not waited for: heartbeats every few
    seconds keep the bedside free of waits, while charted recordings (whole minutes) stay in order."""
    cycle_max: Annotated[int, Field(ge=1)] = 100_000
    """Most records of one cycle, which takes what waits for up to 2.5 s: a bed's windows that wait together share a
    prediction. About twice as many wait in memory, some 1 KB each, before their topics are paused."""
    snapshot_every: Annotated[int, Field(ge=1)] = 100_000
    """Most offsets a partition has to be read again on recovery: a second or two of replay. A snapshot costs as much as
    four windows; with 2,500 stays in a partition one is due for every 40 windows."""
    guarantee: Literal["exactly_once", "at_least_once"] = "exactly_once"
    """`at_least_once` spares every cycle its transactions, some 25 ms: after a crash what was sent and not committed is
    sent again (same `prediction_id`), and a worker that was paused past its session may write once more behind its
    successor, its snapshots included."""
    session_timeout_ms: Annotated[int, Field(ge=1_000)] = 6_000
    """After this long without a heartbeat a runner's partitions go to another; Kafka's lowest default bound."""
    standby: bool = False
    """Hold in memory what opening the partitions of the group's other workers would have to read: some 20 to 300 KB a
    bed that they have."""
    stale_after_min: Annotated[int, Field(ge=1)] = 120
    """A bed without vital windows for this long (event time) has stale predictions: two charted hours in a row were
    missed, or the monitor is off. The clock is the EHR feed's watermark."""
    withheld_after_min: Annotated[int, Field(ge=1)] = 480
    """And from here on none at all: a shift of nursing without a value."""
    retention_days: Annotated[int, Field(ge=7)] = 30
    """Days (event time) after its discharge that a stay's EHR features, predictions and place on the ward are kept: as
    long as a post-mortem is usually asked for, and as dead letters and the ledger. Inputs are kept for a week, and one
    that is sent again within it has to find its stay."""
    pseudonym_key: Annotated[SecretStr, Field(min_length=16)] | None = None
    """Keys the pseudonyms in logs and traces; a short one could be guessed. Unset, each process draws its own."""
    data: Path | None = None
    """The folder of recordings."""
    board_host: str = "127.0.0.1"
    """Where the board listens: it has no log-in, so only this machine, except in a container, whose own address is
    reached through what is published of it."""
    board_port: Annotated[int, Field(ge=0, le=65535)] = 8400
    metrics_host: str = "127.0.0.1"
    """Where a runner, the EHR app and the ward app serve their metrics: they have no log-in either."""
    metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Port of `/metrics` (Prometheus) and `/healthz`; 0 takes any that is free, None serves neither."""


def load_settings(config: Path | None = None, **flags: Any) -> Settings:
    """Settings with a TOML file under the environment and flags (None: not given) over it.

    Raises:
        ConfigError: the file cannot be read, or a value does not fit.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        filed = (
            {}
            if config is None
            else _under_environment(read_toml(config, "settings file", mend="check --config"))
        )
        return Settings(**(filed | given))
    except ValidationError as error:
        name, complaint = first_complaint(error)
        raise ConfigError(
            f"The setting {name} does not fit: {complaint}; mend the flag, LEMOF_{name.upper()} or the file."
        ) from None


def _under_environment(filed: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filed.items() if f"LEMOF_{name.upper()}" not in os.environ}
