"""The engine's job in Faust, the plain way: one agent, a table of windows, everything computed again for each window.

    python -m lemof_stream.worker.bench.faust_rival BROKERS FOLDER

At least once, which is what Faust does by itself; its exactly-once mode stops for good when a second worker joins.
"""

import asyncio
import json
import sys
from typing import Any, Final

import faust
from faust.types import StreamT

from lemof_stream.contracts.topics import VITALS
from lemof_stream.worker.bench.kafka import PARTITIONS
from lemof_stream.worker.bench.recompute import Recompute, parse
from lemof_stream.worker.faust_app import serve

GROUP: Final = "bench-faust"
TOPIC: Final = "bench.faust"
_COMMIT_S: Final = 1.0  # what Quix Streams is given too


def make_app(brokers: str, folder: str) -> faust.App:
    """The application."""
    app = faust.App(
        GROUP,
        broker=f"kafka://{brokers}",
        store="memory://",
        key_serializer="raw",
        datadir=folder,
        autodiscover=False,
        web_enabled=False,
        topic_partitions=PARTITIONS,
        topic_replication_factor=1,
        broker_commit_interval=_COMMIT_S,
    )
    recompute = Recompute()
    kept = app.Table("windows", default=list, key_type=bytes)
    predictions = app.topic(TOPIC, key_type=bytes, value_type=bytes, value_serializer="raw")

    async def predict(stream: StreamT[Any]) -> None:
        async for key, value in stream.items():
            windows = kept[key]
            found = recompute.take(parse(value), windows)
            kept[key] = windows
            await predictions.send(key=key, value=json.dumps(found).encode())

    app.agent(
        app.topic(VITALS, key_type=bytes, value_type=bytes, value_serializer="raw"),
        name="predict",
        concurrency=1,
    )(predict)
    return app


if __name__ == "__main__":
    asyncio.run(serve(make_app(*sys.argv[1:3])))
