"""`lemof run`: a member of the runner's group.

What makes it exactly once is the order of things, measured against aiokafka 0.14 (which sends offsets in a transaction
without the group's generation): one transactional producer a partition, started before anything of the partition is
read, as its start fences the former owner; then committed offsets, state, position; and one lock around the whole
cycle and both rebalance callbacks, which aiokafka runs beside the loop.
"""

import asyncio
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    InconsistentGroupProtocolError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    ProducerFenced,
)
from opentelemetry.trace import Tracer

from lemof_stream.broker.admin import admin_client
from lemof_stream.broker.stopping import stop_client
from lemof_stream.contracts.topics import EHR_FEATURES, SNAPSHOTS, VITALS
from lemof_stream.errors import BrokerError
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.clock import Limits
from lemof_stream.runner.runner import Runner
from lemof_stream.runner.stepper import CalledOffError
from lemof_stream.settings import Settings
from lemof_stream.telemetry import get_logger
from lemof_stream.worker.clients import group_consumer
from lemof_stream.worker.cycle import LaneWork, PoisonError, parting, run_cycle
from lemof_stream.worker.lanes import Lanes
from lemof_stream.worker.observer import Observer, Watch
from lemof_stream.worker.own_group import other_kind
from lemof_stream.worker.progress import Progress
from lemof_stream.worker.quarantine import Quarantine
from lemof_stream.worker.reading import InterruptedReadError
from lemof_stream.worker.reload import Models
from lemof_stream.worker.restore import Restore
from lemof_stream.worker.standby import Standby
from lemof_stream.worker.transaction import commit, commit_behind

_log = get_logger(__name__)

_INPUTS: Final = (VITALS, EHR_FEATURES)
# How long a turn waits for records: also how finely waits of the merge are timed.
_POLL_MS: Final = 50
# `getmany` waits without end once a rebalance has begun, and its callback waits for the lock that we hold meanwhile.
_REBALANCE_BEGAN_S: Final = 1.0
# Inputs of a cycle behind which more are waiting. With fewer nothing is gained: what is taken early waits for the
# commit before it.
_BACKLOG: Final = 2_000
# Cycles overlap with commits for so long before the loop looks up. The last does not, so it has to be the exception:
# one of a backlog takes 3 s.
_TURN_S: Final = 10.0
# Between attempts while Kafka is away or a partition cannot be opened.
_RETRY_S: Final = 1.0
# An init system is told that we are gone within 2 s, and the last cycle and the clients' stop want their share.
_HAND_OVER_S: Final = 0.6
# A usual cycle ends long before, and is handed over; one that works off a backlog takes seconds.
_LAST_CYCLE_S: Final = 0.5
# Beyond the transactions' timeout the coordinator has ended it, so nothing is left to wait for.
_COMMIT_S: Final = 35.0
# What one transaction of the hand-over sends within some 0.2 s.
_HANDED_BYTES: Final = 16 * 1024 * 1024


class RunnerProcess(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads its share of the partitions, runs it, publishes; until told to stop."""

    def __init__(
        self, settings: Settings, predictor: Predictor, partitions: int, tracer: Tracer | None = None
    ) -> None:
        self._settings = settings
        self._partitions = partitions
        self._limits = Limits(
            timedelta(minutes=settings.stale_after_min), timedelta(minutes=settings.withheld_after_min)
        )
        self._runner = Runner(predictor, self._limits, self._has_to_leave)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="runner")
        self._lock = asyncio.Lock()
        self._stop = asyncio.Event()
        self._settled = asyncio.Event()
        self._assigned: set[int] = set()
        self._retry_at: dict[int, float] = {}
        self._quarantine = Quarantine()
        self._cycle_began = math.inf
        self._progress = Progress()
        self.observer = Observer(settings, tracer)
        self._models = Models(settings, predictor, partitions, self.observer.models)
        self._standby = Standby(settings.brokers, settings.group, partitions) if settings.standby else None
        self.observer.standby = self._standby
        self._lanes = Lanes(
            settings,
            partitions,
            Restore(
                settings.brokers,
                settings.group,
                partitions,
                self._executor,
                self._called_off,
                self._standby,
            ),
        )
        self._consumer: AIOKafkaConsumer
        self._admin: AIOKafkaAdminClient

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; a Kafka that goes away is waited for.

        Raises:
            ConfigError: the port of metrics is taken, or the group is one of the other kind.
        """
        self._stop = stop
        try:
            async with (
                self.observer.serving(lambda: (self._lanes, self._runner)),
                self._models.followed(),
                self._standby.followed() if self._standby else nullcontext(),
            ):
                while not stop.is_set():
                    try:
                        await self._session()
                    except (
                        InconsistentGroupProtocolError
                    ):  # started in a new group at once, Kafka took the other
                        raise other_kind(self._settings) from None
                    except (KafkaError, BrokerError, TimeoutError) as error:
                        _log.warning("Kafka is not to be had; trying again", error=type(error).__name__)
                        self.observer.moved()
                        await asyncio.sleep(_RETRY_S)
        finally:
            self._executor.shutdown(wait=False)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # noqa: ARG002 - aiokafka names it
        """Let go of everything for now: a rebalance parts all partitions anew."""
        self._settled.clear()
        async with self._lock:
            self._lanes.keep()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Note what is ours. It is opened by the loop, as no heartbeat is sent while this callback runs."""
        async with self._lock:
            self._consumer.pause(*assigned)
            self._assigned = {place.partition for place in assigned}
            await self._lanes.keep_only(self._runner, self._assigned)
            self._quarantine.keep_only(self._assigned)
            self._retry_at.clear()
            if self._standby is not None:
                self._standby.follow(self._assigned)
            self._settled.set()

    async def _session(self) -> None:
        """One membership of the group, from joining to leaving."""
        self._settled.clear()
        async with admin_client(self._settings.brokers) as self._admin:
            self.observer.consumer = self._consumer = group_consumer(self._settings)
            try:
                await self._consumer.start()
                self._lanes.joined(self._consumer, self._admin)
                self._consumer.subscribe(_INPUTS, listener=self)
                while not self._stop.is_set():
                    await self._turn()
                async with self._lock:
                    await self._hand_over()
            finally:
                try:
                    await stop_client(self._consumer)  # first, as the others wait for us to leave
                finally:
                    async with self._lock:
                        await self._lanes.close_all(self._runner)

    async def _turn(self) -> None:
        if not self._settled.is_set():
            await (
                self._fetch()
            )  # nothing is open, so what comes is dropped; this hears of what keeps us from joining
            return
        async with self._lock:
            if not self._settled.is_set():
                return
            try:
                await self._change_model()
                await self._open_next()
                watch = self.observer.watch()
                fetched = await self._fetch()
                if self._lanes:
                    await self._cycles(fetched, watch)
                await self.observer.turned(self._assigned, self._lanes)
            except InterruptedReadError:
                return  # the rebalance that called the opening off waits for the lock
            except PoisonError as poison:
                await self._start_over(poison)
            except CalledOffError:
                await self._lanes.close_all(self._runner)
        self._progress.tell()

    async def _change_model(self) -> None:
        """Let the model that is wanted take over; every stay goes on under it."""
        wanted = self._models.wanted
        if wanted is not self._runner.predictor:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._runner.adopt, wanted)
            self._models.took_over(wanted)

    async def _fetch(self, wait_ms: int = _POLL_MS) -> Mapping[TopicPartition, Sequence[ConsumerRecord]]:
        try:
            async with asyncio.timeout(_REBALANCE_BEGAN_S):
                fetched: Mapping[TopicPartition, Sequence[ConsumerRecord]]
                fetched = await self._consumer.getmany(timeout_ms=wait_ms)
                return fetched
        except (TimeoutError, NoOffsetForPartitionError):  # the latter of partitions that are not open yet
            return {}
        except OffsetOutOfRangeError as error:
            self._note_overrun(error.args[0])
            return {}

    async def _cycles(self, fetched: Mapping[TopicPartition, Sequence[ConsumerRecord]], watch: Watch) -> None:
        """One cycle; under load some, each computed while the one before it commits."""
        began = time.monotonic()
        until = began + _TURN_S
        works = await self._run_cycle(fetched, watch)
        while works:
            committing = asyncio.create_task(self._commit_all(works, watch))
            following: list[LaneWork] = []
            try:
                if time.monotonic() < until and self._behind(works):
                    watch = self.observer.watch()
                    following = await self._run_cycle(await self._fetch(wait_ms=0), watch)
            finally:
                failed = await committing
            self._progress.note(
                [work for work in works if work.lane.partition not in failed], time.monotonic() - began
            )
            began = time.monotonic()
            await self._give_up(failed)
            # What was computed on top of what was not committed goes with it: its lane is opened anew.
            works = [work for work in following if work.lane.partition not in failed]
        await self._lanes.close(
            self._runner, [p for p, lane in self._lanes.items() if lane.overrun and not lane.holds]
        )

    def _behind(self, works: Sequence[LaneWork]) -> bool:
        """Whether more waits, and nothing else does that has to wait for a commit."""
        many = sum(work.inputs for work in works) >= min(_BACKLOG, self._settings.cycle_max)
        open_all = self._assigned <= self._lanes.keys() and not any(
            lane.overrun for lane in self._lanes.values()
        )
        same_model = self._models.wanted is self._runner.predictor
        return many and open_all and same_model and not self._called_off()

    async def _run_cycle(
        self, fetched: Mapping[TopicPartition, Sequence[ConsumerRecord]], watch: Watch
    ) -> list[LaneWork]:
        watch.lap("fetch")
        at_end = {partition: await self._vitals_at_end(partition) for partition in self._lanes}
        loop = asyncio.get_running_loop()
        works = await loop.run_in_executor(self._executor, self._compute, fetched, at_end, watch)
        self._quarantine.clear(self._lanes)
        self._lanes.hold_back()
        return works

    async def _commit_all(self, works: Sequence[LaneWork], watch: Watch) -> dict[int, BaseException]:
        """Commit side by side; what failed, by partition."""
        watch.lap("wait")
        outcomes = await asyncio.gather(*(self._commit(work) for work in works), return_exceptions=True)
        watch.lap("commit")
        failed = {
            work.lane.partition: failed
            for work, failed in zip(works, outcomes, strict=True)
            if failed is not None
        }
        self.observer.note(watch, works, failed)
        return failed

    def _compute(
        self,
        fetched: Mapping[TopicPartition, Sequence[ConsumerRecord]],
        at_end: Mapping[int, bool],
        watch: Watch,
    ) -> list[LaneWork]:
        """In the runner's thread, so that heartbeats go on meanwhile."""
        self._cycle_began = time.monotonic()
        try:
            for place, records in fetched.items():
                # Of a partition that is not ours any more, or not yet, records come again.
                if (lane := self._lanes.get(place.partition)) is not None:
                    lane.receive(records)
            watch.lap("read")
            lanes, limit = self._quarantine.chosen(self._lanes, self._settings.cycle_max)
            group, poisoned = self._settings.group, self._quarantine.poisoned
            works = run_cycle(self._runner, group, lanes, limit, at_end, poisoned, watch.spans)
            watch.lap("compute")
        finally:  # also of a cycle that breaks: what follows it is not to be left for having taken long
            self._cycle_began = math.inf
        return works

    async def _commit(self, work: LaneWork) -> None:
        async with asyncio.timeout(_COMMIT_S):
            if self._settings.guarantee == "exactly_once":
                await commit(work, self._settings.group)
            else:
                await commit_behind(work, self._consumer)

    async def _give_up(self, failed: Mapping[int, BaseException]) -> None:
        """Close lanes whose transaction failed: opening them anew finds out what was committed."""
        for partition, error in failed.items():
            _log.warning("a transaction failed", partition=partition, error=type(error).__name__)
        await self._lanes.close(self._runner, failed)
        if any(isinstance(error, ProducerFenced) for error in failed.values()):
            # Another process has the partition, or had it: only the group can say who is to have it.
            self._settled.clear()
            self._consumer.subscribe(_INPUTS, listener=self)

    async def _hand_over(self) -> None:
        """Before leaving, as many snapshots as time allows, so that the next owners have less to replay."""
        loop, began, stays = asyncio.get_running_loop(), time.monotonic(), 0
        arguments = self._runner, self._settings.group, self._lanes.values(), began + _HAND_OVER_S
        while works := await loop.run_in_executor(self._executor, parting, *arguments, _HANDED_BYTES):
            if any(await asyncio.gather(*(self._commit(work) for work in works), return_exceptions=True)):
                break
            stays += sum(len(work.records[SNAPSHOTS]) for work in works)
        _log.info("handed over", snapshots=stays, seconds=round(time.monotonic() - began, 3))

    def _has_to_leave(self) -> bool:
        """Whether a cycle is to be left half done, which loses nothing: others take its records, from where the last
        one was committed.
        """
        return self._stop.is_set() and time.monotonic() - self._cycle_began > _LAST_CYCLE_S

    def _called_off(self) -> bool:
        """Whether what takes long is to be left: a rebalance has begun, or the process is to stop."""
        return not self._settled.is_set() or self._stop.is_set()

    async def _vitals_at_end(self, partition: int) -> bool:
        if self._lanes[partition].overrun:
            return True
        place = TopicPartition(VITALS, partition)
        end = self._consumer.last_stable_offset(place)
        return end is not None and await self._consumer.position(place) >= end

    def _note_overrun(self, places: Iterable[TopicPartition]) -> None:
        """Kafka has deleted what was to be fetched next; the lane is opened anew when what it holds has been taken."""
        for place in places:
            if place.partition in self._lanes:
                self._lanes[place.partition].overrun = True
                self._consumer.pause(place)

    async def _open_next(self) -> None:
        """Go on with the partitions that were kept, else open one, so that the others do not wait for all."""
        now = time.monotonic()
        due = [p for p in self._assigned - self._lanes.keys() if self._retry_at.get(p, 0.0) <= now]
        if not due:
            return
        kept = [partition for partition in due if self._lanes.kept(partition)]
        for partition in kept or [min(due)]:
            await self._open(partition)

    async def _open(self, partition: int) -> None:
        try:
            with self.observer.opening():
                await self._lanes.open(self._runner, partition, self._quarantine)
            if self._standby is not None:
                self._standby.drop(partition)
        except (InterruptedReadError, PoisonError):
            raise
        except (KafkaError, TimeoutError, OSError) as error:
            _log.warning("a partition cannot be opened yet", partition=partition, error=type(error).__name__)
            self._retry_at[partition] = time.monotonic() + _RETRY_S
        except Exception:  # noqa: BLE001 - a fault in one partition is no reason to leave the others to nobody
            _log.exception("a partition cannot be opened; trying again", partition=partition)
            self._retry_at[partition] = time.monotonic() + _RETRY_S

    async def _start_over(self, poison: PoisonError) -> None:
        """Find the input that the runner breaks on, with a new runner, as the state of this one may be in halves."""
        culprit = self._quarantine.broke_on(poison.origins)
        if culprit is not None:
            topic, partition, offset = culprit
            _log.error("a message breaks the runner", topic=topic, partition=partition, offset=offset)
        await self._lanes.close_all(self._runner)
        self._runner = Runner(self._runner.predictor, self._limits, self._has_to_leave)
