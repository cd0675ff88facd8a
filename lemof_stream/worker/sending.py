"""Sends one message that a person asked for."""

from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from lemof_stream.broker.stopping import stop_client
from lemof_stream.contracts.topics import MESSAGE_BYTES
from lemof_stream.errors import BrokerError
from lemof_stream.telemetry.tracing import NO_HEADERS, Headers

# aiokafka counts before it compresses.
_REQUEST_BYTES: Final = 2 * MESSAGE_BYTES


async def send_one(
    brokers: str,
    place: TopicPartition,
    key: bytes | None,
    value: bytes | None,
    *,
    refusal: str,
    headers: Headers = NO_HEADERS,
) -> None:
    """Send it to this partition, and return when Kafka has it. `refusal`: a sentence for when it has not, about the
    `{brokers}` and the `{error}`.

    Raises:
        BrokerError: Kafka does not answer, or does not take it.
    """
    # Not in a transaction: its marker at the end of a Faust changelog would keep the EHR app waiting for a record.
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers.split(","),
        enable_idempotence=True,
        compression_type="lz4",  # a header that is added would lift a message of the largest size over the limit
        max_request_size=_REQUEST_BYTES,
    )
    try:
        await producer.start()
        await producer.send_and_wait(
            place.topic, value=value, key=key, partition=place.partition, headers=list(headers)
        )
    except KafkaError as error:
        raise BrokerError(refusal.format(brokers=brokers, error=type(error).__name__)) from None
    finally:
        await stop_client(producer)
