"""What an integrator imports to follow predictions."""

from lemof_stream.client.stream import PredictionStream
from lemof_stream.contracts.predictions import Prediction

__all__ = ["Prediction", "PredictionStream"]
