"""`lemof bench engine`: throughput beside a copy loop, Faust and Quix Streams; latency; memory. On a real Kafka."""
