"""Taking one input in: is it usable, new and in time, and where does it go."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import torch

from lemof_stream.contracts.channels import CHANNELS, VITALS
from lemof_stream.contracts.ehr import HourRecord, Observation, StayRecord
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.model.schema import InputSchema, static_row
from lemof_stream.runner.cycle import Input, Verdict, WindowInput
from lemof_stream.runner.grid import place
from lemof_stream.runner.slab import Slab, Value
from lemof_stream.runner.stay import Stay, fingerprint

# No stay is silent for a year and goes on: such a leap is a broken clock, and would cost a commit for each step of it.
FARTHEST_LEAP = timedelta(days=365)

PREDICTED = Verdict("predicted")
DUPLICATE = Verdict("duplicate")
LATE = Verdict(
    "late", "late", "The input belongs to a step that has left the sliding window; no prediction was changed."
)


class NeedsRoomError(Exception):
    """The input opens `step`, for which older steps have to leave the window first."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


class Intake:
    """Takes inputs of all stays into the slab."""

    def __init__(self, schema: InputSchema, slab: Slab, stays: dict[str, Stay]) -> None:
        self._step_minutes = schema.step_minutes
        self._kept_steps = schema.kept_steps
        self._farthest = FARTHEST_LEAP // timedelta(minutes=schema.step_minutes)
        self._channels = {name: index for index, name in enumerate(schema.channels)}
        self._slab = slab
        self._stays = stays

    def take(self, item: Input) -> Verdict:
        """Take one input in, whole or not at all.

        Raises:
            NeedsRoomError: nothing was taken; try again when there is room.
        """
        if isinstance(item, WindowInput):
            return self._window(item.partition, item.window)
        if isinstance(item.record, StayRecord):
            return self._stay_record(item.partition, item.record)
        return self._hour(item.partition, item.record)

    def _window(self, partition: int, window: VitalWindow) -> Verdict:
        refused = refusal(window.channels)
        if refused is not None:
            return refused
        stay = self._stays.get(window.stay_id)
        if stay is not None and stay.admitted_at != window.admitted_at:
            return Verdict(
                "rejected",
                "contradiction",
                "The window names another admission time than its stay's earlier messages; give the readmission a stay "
                "id of its own, or correct the gateway's admission time.",
            )
        stay = stay or self._admit(partition, window)
        step, minutes = place(stay.admitted_at, window.end, self._step_minutes)
        if step <= stay.base:
            return LATE
        mark = fingerprint(window.window_id)
        kept = stay.kept.get(step)
        if kept is not None and mark in kept.seen:
            return DUPLICATE
        if step - stay.open > self._farthest:
            return Verdict(
                "rejected",
                "future",
                "The window lies more than a year after its stay's newest step; check the device's clock.",
            )
        self._open(stay, step)
        self._fold(stay, step, mark, window.end, minutes, window.channels)
        return PREDICTED

    def _stay_record(self, partition: int, record: StayRecord) -> Verdict:
        stay = self._stays.get(record.stay_id) or self._admit(partition, record)
        facts = len(record.event_ids)
        if facts <= stay.facts:
            return DUPLICATE
        stay.facts = facts
        stay.ward = record.ward
        verdict = DUPLICATE  # a transfer changes no prediction
        if record.discharged_at is not None:
            stay.discharged_at = record.discharged_at
            verdict = PREDICTED
        static = torch.tensor(static_row(record.demographics))
        if not torch.allclose(static, self._slab.static[stay.slot], rtol=0, atol=0, equal_nan=True):
            self._slab.static[stay.slot] = static
            stay.known = record.demographics is not None
            stay.touch(stay.base + 1)
            verdict = PREDICTED
        return verdict

    def _hour(self, partition: int, record: HourRecord) -> Verdict:
        stay = self._stays.get(record.stay_id) or self._admit(partition, record)
        verdict = DUPLICATE
        for observation in record.observations:
            verdict = self._observation(stay, observation, verdict)
        return verdict

    def _observation(self, stay: Stay, observation: Observation, verdict: Verdict) -> Verdict:
        """Take an observation of an hour; the hour's verdict: late if any new one is, else predicted if any is new."""
        step, minutes = place(stay.admitted_at, observation.at, self._step_minutes)
        if step <= stay.base:
            return LATE
        mark = fingerprint(observation.event_id)
        kept = stay.kept.get(step)
        if kept is not None and mark in kept.seen:
            return verdict
        self._open(stay, step)
        self._fold(stay, step, mark, observation.at, minutes, observation.values)
        return LATE if verdict is LATE else PREDICTED

    def _admit(self, partition: int, message: VitalWindow | StayRecord | HourRecord) -> Stay:
        stay = Stay(message.stay_id, partition, self._slab.allocate(), message.admitted_at, message.ward)
        self._stays[stay.stay_id] = stay
        return stay

    def _open(self, stay: Stay, step: int) -> None:
        if step > stay.base + self._kept_steps:
            raise NeedsRoomError(step)
        stay.open = max(stay.open, step)

    def _fold(
        self, stay: Stay, step: int, mark: int, at: datetime, minutes: float, values: Mapping[str, float]
    ) -> None:
        stay.step(step).take(mark, at, minutes)
        stay.touch(step)
        row = self._slab.row(stay.slot, step)
        for name, value in values.items():
            channel = self._channels.get(name)
            if channel is not None:  # a channel that this checkpoint does not read
                self._slab.add(Value(row, channel, minutes, value))


def refusal(channels: Mapping[str, float]) -> Verdict | None:
    """Why a window's values cannot be used; None when they can."""
    for name, value in channels.items():
        channel = CHANNELS.get(name)
        if channel is None or channel.kind != "vitals":
            return Verdict(
                "rejected",
                "unknown_channel",
                f"The window holds a channel that is not in the vitals table ({len(VITALS)} channels); map it in the "
                "gateway.",
            )
        if not channel.possible.low <= value <= channel.possible.high:
            return Verdict(
                "rejected",
                "implausible",
                f"The window's {name} is outside {channel.possible.low:g} to {channel.possible.high:g} "
                f"{channel.unit}, which no living person shows; check the device and its unit.",
            )
    return None
