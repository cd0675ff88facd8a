"""`lemof ehr`: the EHR app."""

import asyncio

from lemof_stream.cli.options import Brokers, Config
from lemof_stream.settings import load_settings


def command(brokers: Brokers = None, config: Config = None) -> None:
    """Fold EHR events into feature records until stopped; several processes share the partitions."""
    from lemof_stream.worker.ehr_app import run_ehr  # Faust takes most of a second: only where it is used

    asyncio.run(run_ehr(load_settings(config, brokers=brokers)))
