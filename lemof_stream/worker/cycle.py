"""One cycle of the runner over the lanes: what was taken, and what goes into each lane's transaction."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Final

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from lemof_stream.contracts.operations import LedgerEntry
from lemof_stream.contracts.predictions import Prediction
from lemof_stream.contracts.topics import DEAD_LETTERS, LEDGER, SNAPSHOTS, VITALS
from lemof_stream.errors import LemofError, MessageError
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import Input, Verdict
from lemof_stream.runner.runner import Runner
from lemof_stream.runner.stepper import ROWS, CalledOffError
from lemof_stream.runner.taking import Taking
from lemof_stream.telemetry import get_logger, pseudonym
from lemof_stream.telemetry.cycle_trace import CycleTrace
from lemof_stream.telemetry.tracing import NO_HEADERS, Headers
from lemof_stream.worker.arrivals import Arrival, Origin
from lemof_stream.worker.committed import Note
from lemof_stream.worker.lane import Lane
from lemof_stream.worker.letters import dead_letter, letter_key

_log = get_logger(__name__)

# A backlog is worked off the faster the more of a stay's windows share a prediction, and nobody waits for what is late
# already; but a request to stop and the other members of a group that rebalances wait for the end of the cycle. The
# first window of a stay that is days old commits every step until then, some 5 ms: 100,000 of those would take minutes.
_TAKE_S: Final = 2.5

_REJECTED: Final = Verdict("rejected")
_FAILED: Final = MessageError(
    "failed",
    "The runner broke on this message, which is a fault of the runner: report it, and redrive the message.",
)

Outgoing = tuple[bytes, bytes | None, Headers]


class PoisonError(LemofError):
    """The runner broke on one of the inputs of a cycle, and its state with it."""

    def __init__(self, origins: Sequence[Origin]) -> None:
        super().__init__(
            "The runner broke on an input; its partitions are restored and read again one by one."
        )
        self.origins = origins


@dataclass(slots=True)
class LaneWork:
    """What a cycle did in one lane: the content of one transaction."""

    lane: Lane
    first_window: int
    counts: Counter[str] = field(default_factory=Counter)
    records: dict[str, list[Outgoing]] = field(default_factory=dict)
    """Keys, values and headers for each output topic."""
    inputs: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Predictions by kind."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Dead letters by reason."""
    offsets: dict[TopicPartition, OffsetAndMetadata] = field(default_factory=dict)
    """What the transaction commits of both inputs: noted when the cycle is over, as the lane moves on meanwhile."""

    def add(self, topic: str, key: bytes, value: bytes | None, headers: Headers = NO_HEADERS) -> None:
        """Something to send; a value of None ends what the key held."""
        self.records.setdefault(topic, []).append((key, value, headers))

    def predict(self, prediction: Prediction, headers: Headers = NO_HEADERS) -> None:
        """A prediction to send."""
        self.add(self.lane.predictions, prediction.key(), prediction.to_bytes(), headers)
        self.kinds[prediction.kind] += 1

    def note_offsets(self) -> None:
        """The cycle is over: its offsets are those that the lane has reached."""
        lane = self.lane
        lane.committed = (lane.next_window, lane.next_feature)
        note = Note(lane.replay_from, lane.clock, lane.shadow).text()
        self.offsets = {
            place: OffsetAndMetadata(offset, text)
            for place, offset, text in zip(lane.places, lane.committed, (note, ""), strict=True)
        }


Taken = tuple[LaneWork, Arrival]
"""An arrival, and what its cycle does in its lane."""


def run_cycle(
    runner: Runner,
    group: str,
    lanes: Mapping[int, Lane],
    limit: int,
    at_end: Mapping[int, bool],
    poisoned: Collection[Origin],
    spans: CycleTrace | None = None,
) -> list[LaneWork]:
    """Take at most `limit` inputs of all lanes, run them, and say what each lane has to send.

    Raises:
        PoisonError: the runner broke; neither it nor the lanes are to be used any more.
        CalledOffError: the same, as it was called off.
    """
    works: dict[int, LaneWork] = {}
    given: list[Origin] = []
    refused: list[Taken] = []
    taking: Taking[Taken] = runner.begin()
    for part in _taking(lanes, limit, at_end, works):
        inputs = _inputs(part, poisoned, refused, spans)
        given += [arrival.origin for (_, arrival), _ in inputs]
        with poisoned_by(given):
            decided = taking.take(inputs)
        _settle(decided, refused, spans)  # while they are in the processor's cache; then they are let go of
    with poisoned_by(given):
        decided = taking.finish()
    _settle(decided, refused, spans)
    for work, arrival in refused:
        _refuse(work, arrival, group)
    for partition, prediction in taking.predictions:
        headers = NO_HEADERS if spans is None else spans.headers(prediction.stay_id)
        works[partition].predict(prediction, headers)
    for lane in lanes.values():
        now = lane.tick(vitals_at_end=at_end[lane.partition])
        if now is not None:
            work = works.setdefault(lane.partition, LaneWork(lane, lane.next_window))
            _elapse(work, runner, now, group)
    busy = [work for work in works.values() if work.inputs or work.records]
    for work in busy:
        _snapshots(work, runner, group)
        _entry(work, runner.predictor, group)
        work.note_offsets()
    return busy


def _taking(
    lanes: Mapping[int, Lane], limit: int, at_end: Mapping[int, bool], works: dict[int, LaneWork]
) -> Iterator[list[Taken]]:
    """What the lanes give, a micro-batch of all of them at a time, until none has more, it is `limit`, or took long."""
    until = monotonic() + _TAKE_S
    holding = [lane for lane in lanes.values() if lane.holds]
    share = -(-ROWS // max(len(holding), 1))
    while limit > 0 and monotonic() < until:
        part: list[Taken] = []
        for lane in holding:
            work = works.get(lane.partition)
            if work is None:
                work = works[lane.partition] = LaneWork(lane, lane.next_window)
            taken = lane.take(min(share, limit - len(part)), vitals_at_end=at_end[lane.partition])
            part += [(work, arrival) for arrival in taken]
        if not part:
            return
        limit -= len(part)
        yield part


def _inputs(
    part: Sequence[Taken], poisoned: Collection[Origin], refused: list[Taken], spans: CycleTrace | None
) -> list[tuple[Taken, Input]]:
    """Those of which something can be made; the others are `refused`."""
    inputs: list[tuple[Taken, Input]] = []
    unusable: list[tuple[Taken, Verdict]] = []
    for taken in part:
        _, arrival = taken
        if poisoned and arrival.origin in poisoned:
            arrival.refusal = _FAILED
        if arrival.refusal is not None:
            unusable.append((taken, _REJECTED))
        elif arrival.input is not None:  # what is neither is a watermark, or a tombstone that means nothing
            inputs.append((taken, arrival.input))
    _settle(unusable, refused, spans)
    return inputs


def parting(
    runner: Runner, group: str, lanes: Iterable[Lane], until: float, most_bytes: int
) -> list[LaneWork]:
    """What a worker that leaves still writes: snapshots, the oldest first, that the next owners need not replay.

    It ends at `until` (of the monotonic clock), or when they come to so many bytes.
    """
    works = [LaneWork(lane, lane.next_window) for lane in lanes]
    going = deque(works)
    while going and most_bytes > 0 and monotonic() < until:
        work = going.popleft()
        stay_id = work.lane.fasten_oldest()
        if stay_id is not None:
            most_bytes -= _snapshot(work, runner, group, stay_id)
            going.append(work)
    busy = [work for work in works if work.records]
    for work in busy:
        work.note_offsets()
    return busy


@contextmanager
def poisoned_by(given: Sequence[Origin]) -> Iterator[None]:
    """The runner takes the inputs that were `given` to it by now.

    Raises:
        PoisonError: it broke.
        CalledOffError: it was called off.
    """
    try:
        yield
    except CalledOffError:
        raise
    except Exception as error:
        _log.exception("the runner broke", inputs=len(given))
        raise PoisonError(list(given)) from error


def _elapse(work: LaneWork, runner: Runner, now: datetime, group: str) -> None:
    """Bring the lane's stays to this time; those that have left need no snapshot any more."""
    elapsed = runner.advance(work.lane.partition, now)
    for prediction in elapsed.predictions:
        work.predict(prediction)
    for stay_id in elapsed.left:
        work.lane.forget(stay_id)
        work.add(SNAPSHOTS, snapshot_key(group, stay_id), None)


def _settle(decided: Sequence[tuple[Taken, Verdict]], refused: list[Taken], spans: CycleTrace | None) -> None:
    """Count every window, and note what could not be used: it is `refused`, once the runner has survived the cycle."""
    for taken, verdict in decided:
        work, arrival = taken
        outcome, item = verdict.outcome, arrival.input
        work.inputs += 1
        if arrival.is_window:
            work.counts[outcome] += 1
            if spans is not None:
                stay_id = None if item is None else item.stay_id
                spans.window(arrival.record.headers, arrival.origin, stay_id, outcome)
            if outcome == "predicted" and item is not None:
                work.lane.predicted(item.stay_id, arrival.record.offset, arrival.time)
        if outcome in {"late", "rejected"}:
            if arrival.refusal is None:
                arrival.refusal = MessageError(verdict.reason, verdict.detail)
            refused.append(taken)


def _refuse(work: LaneWork, arrival: Arrival, group: str) -> None:
    topic, partition, offset = arrival.origin
    refusal = arrival.refusal
    assert refusal is not None, "what is refused says why"
    letter = dead_letter(arrival.record, group, refusal.reason, str(refusal))
    work.add(DEAD_LETTERS, letter_key(letter), letter.to_bytes())
    work.refusals[refusal.reason] += 1
    about = {} if arrival.input is None else {"stay": pseudonym(arrival.input.stay_id)}
    _log.warning(
        "dead letter", reason=refusal.reason, topic=topic, partition=partition, offset=offset, **about
    )


def _snapshots(work: LaneWork, runner: Runner, group: str) -> None:
    for stay_id in work.lane.fasten(work.inputs):
        _snapshot(work, runner, group, stay_id)


def _snapshot(work: LaneWork, runner: Runner, group: str, stay_id: str) -> int:
    """Have the stay's snapshot sent; returns its bytes."""
    value = runner.snapshot(stay_id)
    work.add(SNAPSHOTS, snapshot_key(group, stay_id), value)
    return len(value)


def snapshot_key(group: str, stay_id: str) -> bytes:
    """Key of a stay's snapshot, as several groups share the topic."""
    return f"{group}|{stay_id}".encode()


def _entry(work: LaneWork, predictor: Predictor, group: str) -> None:
    counts = work.counts
    entry = LedgerEntry(
        group=group,
        topic=VITALS,
        partition=work.lane.partition,
        first_offset=work.first_window,
        next_offset=work.lane.next_window,
        received=counts.total(),
        predicted=counts["predicted"],
        duplicate=counts["duplicate"],
        late=counts["late"],
        rejected=counts["rejected"],
        model=predictor.info,
        inputs_sha256=predictor.schema.sha256,
    )
    work.add(LEDGER, f"{group}|{VITALS}|{entry.partition}".encode(), entry.to_bytes())
