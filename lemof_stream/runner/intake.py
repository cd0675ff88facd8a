"""Taking one input in: is it usable, new and in time, and where does it go."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import torch

from lemof_stream.contracts.channels import CHANNELS, VITALS
from lemof_stream.contracts.ehr import HourRecord, StayRecord
from lemof_stream.contracts.vitals import Window
from lemof_stream.model.schema import InputSchema, static_row
from lemof_stream.runner.cycle import Erased, Input, Verdict, WindowInput
from lemof_stream.runner.grid import place
from lemof_stream.runner.slab import Slab
from lemof_stream.runner.stay import Stay, fingerprint

# A stay that nothing was heard of for a week has ended. A farther leap is a broken clock: it would cost a commit for
# each step of it, and make everything that comes in time late.
FARTHEST_LEAP = timedelta(days=7)
# A stay whose first message is off by years would find everything that comes in time late.
LONGEST_STAY = timedelta(days=366)

# As floats: to compare one with a whole number takes Python twice as long.
_POSSIBLE = {name: tuple(map(float, CHANNELS[name].possible)) for name in VITALS}

PREDICTED = Verdict("predicted")
DUPLICATE = Verdict("duplicate")
LATE = Verdict(
    "late", "late", "The input belongs to a step that has left the sliding window; no prediction was changed."
)
FUTURE = Verdict(
    "rejected",
    "future",
    f"The input lies more than {FARTHEST_LEAP.days} days after its stay's newest step, or {LONGEST_STAY.days} after "
    "its admission; check the clock of its device.",
)
CONTRADICTION = Verdict(
    "rejected",
    "contradiction",
    "The message names another admission time than its stay's earlier messages; give a readmission a stay id of its "
    "own, or correct the admission time at the producer.",
)

UNKNOWN_CHANNEL = Verdict(
    "rejected",
    "unknown_channel",
    f"The window holds a channel that is not in the vitals table ({len(VITALS)} channels); map it in the gateway.",
)


class NeedsRoomError(Exception):
    """The input opens `step`, for which older steps have to leave the window first."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


class Ended(NamedTuple):
    """What is remembered of a stay that has left."""

    partition: int
    admitted_at: datetime


class Intake:
    """Takes inputs of all stays into the slab. `ended`: stays that have left, of which everything is late."""

    def __init__(self, schema: InputSchema, slab: Slab, stays: dict[str, Stay]) -> None:
        self._step_minutes = schema.step_minutes
        self._kept_steps = schema.kept_steps
        length = timedelta(minutes=schema.step_minutes)
        self._farthest, self._longest = FARTHEST_LEAP // length, LONGEST_STAY // length
        self._static = schema.static
        self._slab = slab
        self._stays = stays
        self.ended: dict[str, Ended] = {}

    def take(self, item: Input) -> Verdict:
        """Take one input in, whole or not at all.

        Raises:
            NeedsRoomError: nothing was taken; try again when there is room.
        """
        if isinstance(item, WindowInput):
            return self._window(item.partition, item.window)
        if isinstance(item, Erased):
            self.ended.pop(item.stay_id, None)
            return DUPLICATE
        if isinstance(item.record, StayRecord):
            return self._stay_record(item.partition, item.record)
        return self._hour(item.partition, item.record)

    def forget(self, partition: int) -> None:
        """The partition's stays are another process's concern."""
        self.ended = {stay_id: own for stay_id, own in self.ended.items() if own.partition != partition}

    def _window(self, partition: int, window: Window) -> Verdict:
        refused = refusal(window.channels)
        if refused is not None:
            return refused
        return self._measured(
            partition, window, window.window_id, window.end, window.channels, window.priority, ehr=False
        )

    def _stay_record(self, partition: int, record: StayRecord) -> Verdict:
        stay = self._stays.get(record.stay_id)
        if self._contradicts(record, stay):
            return CONTRADICTION
        if record.stay_id in self.ended:
            return DUPLICATE
        stay = stay or self._admit(partition, record, 1)
        facts = len(record.event_ids)
        if facts <= stay.facts:
            return DUPLICATE
        stay.facts = facts
        stay.ward = record.ward
        verdict = DUPLICATE  # a transfer changes no prediction
        if record.discharged_at is not None:
            stay.discharged_at = record.discharged_at
            verdict = PREDICTED
        static = torch.tensor(static_row(record.demographics, self._static))
        if not torch.allclose(static, self._slab.static[stay.slot], rtol=0, atol=0, equal_nan=True):
            self._slab.static[stay.slot] = static
            stay.admissions = record.admissions
            stay.touch(stay.base + 1)
            verdict = PREDICTED
        return verdict

    def _hour(self, partition: int, record: HourRecord) -> Verdict:
        """Take the observations of an hour: refused or late if any new one is, else predicted if any is new."""
        verdicts = [
            self._measured(partition, record, own.event_id, own.at, own.values, 0, ehr=True)
            for own in record.observations
        ]
        unusable = [verdict for verdict in verdicts if verdict.outcome in {"late", "rejected"}]
        return unusable[0] if unusable else PREDICTED if PREDICTED in verdicts else DUPLICATE

    def _measured(
        self,
        partition: int,
        message: Window | HourRecord,
        input_id: str,
        at: datetime,
        values: Mapping[str, float],
        rank: int,
        *,
        ehr: bool,
    ) -> Verdict:
        """Take values of one instant in. Everything is checked before a stay is made or changed.

        `rank`: how much their source is to be trusted, 0 the most; `ehr`: whether it is a record of the EHR.
        """
        stay_id = message.stay_id
        stay = self._stays.get(stay_id)
        if self._contradicts(message, stay):
            return CONTRADICTION
        step, minutes = place(message.admitted_at, at, self._step_minutes)
        mark = fingerprint(input_id)
        if step > self._longest:
            return FUTURE
        if stay is None and stay_id not in self.ended:
            stay = self._admit(partition, message, step)
        elif stay is None or step <= stay.base:
            return LATE
        kept = stay.kept.get(step)
        if kept is not None and mark in kept.seen:
            return DUPLICATE
        if step > stay.open:
            if step - stay.open > self._farthest:
                return FUTURE
            self._open(stay, step)
        if kept is None:
            kept = stay.step(step)
        kept.take(mark, at, minutes, ehr=ehr)
        stay.touch(step)
        if not ehr:
            stay.hear(at)
        self._slab.add(stay.slot, step, minutes, rank, values)
        return PREDICTED

    def _contradicts(self, message: Window | StayRecord | HourRecord, stay: Stay | None) -> bool:
        """Whether the message places its stay, None where it is not here, on another grid."""
        known = stay or self.ended.get(message.stay_id)
        return known is not None and known.admitted_at != message.admitted_at

    def _admit(self, partition: int, message: Window | StayRecord | HourRecord, step: int) -> Stay:
        """A stay that is first heard of in this step; of steps that have left its window by then nothing is known."""
        stay = Stay(message.stay_id, partition, self._slab.allocate(), message.admitted_at, message.ward)
        stay.begin(step, self._kept_steps)
        self._stays[stay.stay_id] = stay
        return stay

    def _open(self, stay: Stay, step: int) -> None:
        if step > stay.base + self._kept_steps:
            raise NeedsRoomError(step)
        stay.open = step


def refusal(channels: Mapping[str, float]) -> Verdict | None:
    """Why a window's values cannot be used; None when they can."""
    try:
        for name, value in channels.items():
            low, high = _POSSIBLE[name]
            if not low <= value <= high:
                return Verdict(
                    "rejected",
                    "implausible",
                    f"The window's {name} is outside {low:g} to {high:g} {CHANNELS[name].unit}, which no living person "
                    "shows; check the device and its unit.",
                )
    except KeyError:
        return UNKNOWN_CHANNEL
    return None
