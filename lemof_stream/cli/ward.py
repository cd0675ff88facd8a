"""`lemof ward`: the ward app."""

import asyncio

from lemof_stream.cli.options import Brokers, Config
from lemof_stream.settings import load_settings


def command(brokers: Brokers = None, config: Config = None) -> None:
    """Turn predictions into alerts and a census until stopped; several processes share the partitions."""
    from lemof_stream.worker.ward_app import run_ward  # Faust takes most of a second: only where it is used

    asyncio.run(run_ward(load_settings(config, brokers=brokers)))
