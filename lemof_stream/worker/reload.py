"""Which model a runner's process is to run: follows the group's record, and loads beside the cycles."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from lemof_stream.contracts.models import ChosenModel, ModelRecord
from lemof_stream.contracts.topics import MODELS, partition_of
from lemof_stream.errors import CheckpointError, LemofError, MessageError
from lemof_stream.model.checkpoint import load_checkpoint
from lemof_stream.model.predictor import Predictor
from lemof_stream.settings import Settings
from lemof_stream.telemetry import get_logger
from lemof_stream.telemetry.metrics import ModelMetrics
from lemof_stream.worker.aside import in_thread
from lemof_stream.worker.following import following

_log = get_logger(__name__)

# Only a bound: records are handed out as they come.
_POLL_MS: Final = 1_000
_RETRY_S: Final = 5.0
# A process that starts hears of the record before its first window, which takes a second or two with loading. Beyond
# this it begins with its own checkpoint: a model that comes late takes over, windows that wait help nobody.
_FIRST_S: Final = 20.0
# And beyond this the log says what is waited for.
_SOON_S: Final = 3.0


class Models:
    """The model that is wanted, and those that are at hand: the one this process was started with, and the one before.

    What cannot be loaded, or is not what the record says, is told in the log and counted; the model in charge goes on.
    """

    def __init__(
        self, settings: Settings, started_with: Predictor, partitions: int, metrics: ModelMetrics
    ) -> None:
        self.wanted = started_with
        """What is to be in charge from the next cycle on; it reads the same inputs as the one that is."""
        self._settings = settings
        self._started_with = started_with
        self._at_hand: tuple[Predictor, ...] = ()
        self._place = TopicPartition(MODELS, partition_of(settings.group, partitions))
        self._metrics = metrics
        metrics.in_charge(started_with.info)

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Follow the record meanwhile. On entering, what it says already is wanted, unless it is slow to be had."""
        heard = asyncio.Event()
        read, brokers = partial(self._read, heard), self._settings.brokers
        async with following("the models' topic", read, brokers, reset="earliest", retry_s=_RETRY_S):
            if not await _within(_SOON_S, heard):
                _log.warning("waiting for the group's model before the first window", at_most_s=_FIRST_S)
                if not await _within(_FIRST_S - _SOON_S, heard):
                    _log.warning(
                        "the group's model did not come: beginning with this process's own checkpoint"
                    )
            yield

    def took_over(self, predictor: Predictor) -> None:
        """It is in charge now."""
        self._metrics.taken(predictor.info)
        _log.info("a model took over", **_names(predictor))

    async def _read(self, heard: asyncio.Event, consumer: AIOKafkaConsumer) -> None:
        """Heed the newest record and every one that comes, which ends the heeding of the one before."""
        place, key = self._place, self._settings.group.encode()
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        newest: bytes | None = None
        heeding: asyncio.Task[None] | None = None
        try:
            while True:
                if await consumer.position(place) >= end:
                    if newest is not None:
                        _cancel(heeding)
                        heeding, newest = asyncio.create_task(self._heed(newest)), None
                        heeding.add_done_callback(lambda task: None if task.cancelled() else heard.set())
                    elif heeding is None:
                        heard.set()
                if heeding is not None and heeding.done():
                    heeding.result()
                fetched = await consumer.getmany(place, timeout_ms=_POLL_MS)
                for record in fetched.get(place, ()):
                    newest = record.value if record.key == key else newest
        finally:
            _cancel(heeding)

    async def _heed(self, value: bytes) -> None:
        try:
            record = ModelRecord.from_bytes(value)
        except MessageError as error:
            self._refuse(error)
            return
        wanted = await self._usable(record.current)
        if wanted is None and not self._at_hand:
            wanted = await self._usable(record.previous)  # just started: the others go on with this one
        if wanted is None:
            return
        if wanted is not self.wanted:
            _log.info(
                "the group's model is to take over",
                started_with=self._started_with.info.version,
                **_names(wanted),
            )
        self.wanted = wanted
        self._at_hand = (wanted, *await self._before(record.previous))

    async def _usable(self, choice: ChosenModel | None) -> Predictor | None:
        try:
            predictor = await self._find(choice)
            predictor.require_inputs_of(self._started_with)
        except (LemofError, OSError) as error:
            self._refuse(error)
            return None
        return predictor

    def _refuse(self, error: Exception) -> None:
        self._metrics.refused()
        _log.error("the group's model cannot be taken: the one in charge goes on", detail=str(error))

    async def _find(self, choice: ChosenModel | None) -> Predictor:
        if choice is None:
            return self._started_with
        for predictor in (self._started_with, *self._at_hand):
            if predictor.info == choice.model:
                return predictor
        predictor = await in_thread(partial(load_checkpoint, Path(choice.folder)))
        if predictor.info != choice.model:
            raise CheckpointError(
                f"The checkpoint {choice.folder} is {predictor.info.name} {predictor.info.version} on this host, where "
                f"{choice.model.name} {choice.model.version} was chosen; bring the same folder here and choose again."
            )
        return predictor

    async def _before(self, choice: ChosenModel | None) -> tuple[Predictor, ...]:
        """The one that a rollback would want; a process that was started since has to load it."""
        try:
            return (await self._find(choice),)
        except (CheckpointError, OSError) as error:
            _log.warning("the model before is not at hand for a rollback", detail=str(error))
            return ()


async def _within(seconds: float, heard: asyncio.Event) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await heard.wait()
    return heard.is_set()


def _cancel(heeding: asyncio.Task[None] | None) -> None:
    if heeding is not None:
        heeding.cancel()


def _names(predictor: Predictor) -> dict[str, str]:
    info = predictor.info
    return {"model": info.name, "version": info.version, "sha256": info.sha256}
