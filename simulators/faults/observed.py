"""What a ward has published: its predictions, followed while it runs, and its dead letters."""

import asyncio
from collections import Counter, defaultdict
from contextlib import suppress
from typing import Self

from lemof_stream.client import PredictionStream
from lemof_stream.contracts.predictions import Kind, Prediction
from lemof_stream.worker.redrive import dead_letters
from simulators.faults.expected import Finals


class Published:
    """Every prediction of a Kafka, taken in the background from its first one on."""

    def __init__(self, brokers: str) -> None:
        self.finals: Finals = {}
        self.stays: dict[Kind, set[str]] = defaultdict(set)
        """The stays that had a prediction of a kind."""
        self.repeated = 0
        """Predictions that came more than once."""
        self._ids: set[str] = set()
        self._stream = PredictionStream(brokers, from_beginning=True)

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        try:
            with suppress(asyncio.CancelledError):
                await self._task  # raises what ended it before
        finally:
            await self._stream.__aexit__()

    async def _follow(self) -> None:
        async for prediction in self._stream:
            self.take(prediction)

    def take(self, prediction: Prediction) -> None:
        """Count one more."""
        self.repeated += prediction.prediction_id in self._ids
        self._ids.add(prediction.prediction_id)
        self.stays[prediction.kind].add(prediction.stay_id)
        if prediction.kind == "final":
            self.finals[prediction.stay_id, prediction.step] = prediction.predictions


async def letters_by_reason(brokers: str) -> Counter[str]:
    """How many dead letters there are of each reason."""
    return Counter([filed.letter.reason async for filed in dead_letters(brokers)])
