"""`lemof run`: the runner, one process of a consumer group."""

import asyncio
import gc
from pathlib import Path
from typing import Annotated, Final

import typer

from lemof_stream.broker.admin import require_equal_topics
from lemof_stream.cli.options import Brokers, Config
from lemof_stream.contracts.topics import (
    DEAD_LETTERS,
    EHR_FEATURES,
    LEDGER,
    MODELS,
    PREDICTIONS,
    SHADOW_PREDICTIONS,
    SNAPSHOTS,
    VITALS,
)
from lemof_stream.settings import Settings, load_settings
from lemof_stream.stopping import stop_event
from lemof_stream.telemetry import configure_logs
from lemof_stream.worker.own_group import require_own_group

# A cycle and its transaction end within a second; a Kafka that is gone would keep them for longer than `docker stop`
# (10 s) waits before it kills.
_GRACE_S: Final = 6.0
# More than the largest cycle makes, 100,000 windows of some ten objects each, so that of most cycles all are gone when
# the search begins; some 200 MB.
_OBJECTS_A_SEARCH: Final = 2_000_000

Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="NAME",
        help="Consumer group. (LEMOF_GROUP, else lemof-runner, of a shadow lemof-runner-shadow)",
    ),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="DIR",
        help="A checkpoint folder, or the cohort of one in the package, until `lemof model use` chooses another. "
        "(physionet2012)",
    ),
]
Shadow = Annotated[
    bool | None,
    typer.Option(
        "--shadow/--no-shadow",
        help="Write predictions to predictions.shadow.v1, in a group of its own. (LEMOF_SHADOW, else not)",
    ),
]
Standby = Annotated[
    bool | None,
    typer.Option(
        "--standby/--no-standby",
        help="Hold the state of the other runners' beds in memory, to take over sooner. (LEMOF_STANDBY, else not)",
    ),
]


def command(
    brokers: Brokers = None,
    config: Config = None,
    group: Group = None,
    checkpoint: Checkpoint = None,
    shadow: Shadow = None,
    standby: Standby = None,
) -> None:
    """Read vital windows and EHR features, predict, publish; until Ctrl-C."""
    settings = load_settings(
        config, brokers=brokers, group=group, checkpoint=checkpoint, shadow=shadow, standby=standby
    )
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    predictions = SHADOW_PREDICTIONS if settings.shadow else PREDICTIONS
    partitions = await require_equal_topics(
        settings.brokers, VITALS, EHR_FEATURES, predictions, SNAPSHOTS, DEAD_LETTERS, LEDGER, MODELS
    )
    await require_own_group(settings, partitions)
    configure_logs(settings)
    # torch takes seconds to import, which a broker that is down should not cost
    import torch

    from lemof_stream.model.checkpoint import load_checkpoint
    from lemof_stream.telemetry.tracing import tracer_from_environment
    from lemof_stream.worker.process import RunnerProcess

    torch.set_num_threads(
        1
    )  # small batches: threads would wait for each other, and processes share the cores
    predictor = load_checkpoint(settings.checkpoint)
    # By itself Python looks for unreachable circles after every 700 objects, and a cycle makes tens of thousands, none
    # in a circle: a third of the engine's time went there. What is loaded by now stays, and is not looked through.
    gc.freeze()
    gc.set_threshold(_OBJECTS_A_SEARCH)
    tracer = tracer_from_environment("lemof-run", head=False)
    process = RunnerProcess(settings, predictor, partitions, tracer)
    stop = stop_event()
    running = asyncio.create_task(process.run(stop))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    try:
        async with asyncio.timeout(_GRACE_S if not running.done() else None):
            await running
    except TimeoutError:
        typer.echo("lemof: Kafka did not answer; left what was under way to the next runner.", err=True)
