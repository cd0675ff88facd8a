"""Patient windows and state, incremental steps, micro-batches. Knows nothing of Kafka."""
