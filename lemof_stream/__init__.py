"""Streaming bedside monitoring with LeMoF over Kafka. Research use, not a medical device."""

__version__ = "0.1.0"
