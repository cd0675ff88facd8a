"""The Kafka side of the runner, and the Faust apps."""
