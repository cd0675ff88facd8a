"""A real Apache Kafka as a child process, and the topic catalogue on whichever Kafka."""

from lemof_stream.broker.process import Broker

__all__ = ["Broker"]
