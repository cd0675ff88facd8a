"""The two files that Kafka reads: `server.properties` and Log4j's settings."""

from pathlib import Path

from lemof_stream.broker.listen import Address


def server_properties(log_dir: Path, listen: Address, controller: Address) -> str:
    """One node that is broker and controller at once."""
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
listeners=PLAINTEXT://{listen},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{listen}
controller.listener.names=CONTROLLER
log.dirs={log_dir}

# One node can hold one copy of a topic.
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1

# The defaults, 50 partitions each, take seconds to create and as many open files.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=4

# Members of a group are not waited for: there are few, and they start together.
group.initial.rebalance.delay.ms=0
# Lets a test notice a killed member sooner than the 6 s that Kafka allows a client to ask for.
group.min.session.timeout.ms=1000
# A misspelt topic is an error, not a new topic.
auto.create.topics.enable=false
"""


def log4j2_properties(folder: Path) -> str:
    """Kafka's own log: `folder`/server.log, in files of 10 MB of which four are kept."""
    return f"""\
status=error
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName={folder}/server.log
appender.file.filePattern={folder}/server.%i.log
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{{ISO8601}} %p %m (%c{{1}})%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=3
rootLogger.level=info
rootLogger.appenderRef.file.ref=file
"""
