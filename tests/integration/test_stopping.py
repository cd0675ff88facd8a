"""Clients of a Kafka that no longer answers are given up, and say so."""

import asyncio
import os
import signal
import time

import pytest
from aiokafka import AIOKafkaConsumer

from lemof_stream.broker import Broker
from lemof_stream.broker.admin import create_topics
from lemof_stream.broker.stopping import stop_client
from lemof_stream.contracts.topics import VITALS
from tests.topics import PARTITIONS


async def test_a_client_of_a_kafka_that_hangs_is_given_up_after_a_moment_with_a_warning(
    fresh_broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    await create_topics(fresh_broker.bootstrap, PARTITIONS, 1)
    consumer = AIOKafkaConsumer(VITALS, group_id="leaves", bootstrap_servers=fresh_broker.bootstrap)
    await consumer.start()  # returns as a member of the group, which it would tell Kafka that it leaves
    os.kill(fresh_broker.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        async with asyncio.timeout(30):
            await stop_client(consumer)
        assert time.monotonic() - began < 10
    finally:
        os.kill(fresh_broker.pid, signal.SIGCONT)
    assert "the connection to Kafka was given up without an orderly end" in caplog.messages
