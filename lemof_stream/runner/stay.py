"""What the runner remembers of one stay beside its tensors."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from hashlib import blake2b


def fingerprint(input_id: str) -> int:
    """64 bits that stand for an input's id: a bed's window holds thousands of them, and two collide in a step with
    a chance below 1e-12.
    """
    return int.from_bytes(blake2b(input_id.encode(), digest_size=8).digest(), "little")


class Silence(IntEnum):
    """What the absence of vital windows has come to."""

    NONE = 0
    STALE = 1
    WITHHELD = 2


@dataclass(slots=True)
class Kept:
    """A step still inside the sliding window."""

    inputs: int = 0
    """Distinct windows and observations taken in."""
    observations: int = 0
    """Those of them that the EHR holds."""
    newest: datetime | None = None
    minutes: float = 0.0
    """How far into the step its newest input lies."""
    seen: set[int] = field(default_factory=set)
    """Fingerprints of their ids."""

    def take(self, mark: int, at: datetime, minutes: float, *, ehr: bool) -> None:
        """Count an input whose fingerprint was not seen before."""
        self.inputs += 1
        self.observations += ehr
        self.seen.add(mark)
        if self.newest is None or at > self.newest:
            self.newest, self.minutes = at, minutes


@dataclass(slots=True)
class Stay:
    """Progress of one stay.

    Three marks part its steps: steps up to `base` are outside the sliding window, and only the base state holds
    them; steps up to `live` are committed to the live state; `open` is the newest that has begun. Always
    base <= live <= open <= base + kept steps.
    """

    stay_id: str
    partition: int
    slot: int
    admitted_at: datetime
    ward: str
    open: int = 1
    live: int = 0
    base: int = 0
    emit_from: int = 1
    """The lowest step whose prediction has changed since it was last published."""
    base_inputs: int = 0
    """Inputs of the steps up to `base`; `live_inputs` likewise."""
    live_inputs: int = 0
    base_observations: int = 0
    """Likewise, of the inputs those that the EHR holds."""
    live_observations: int = 0
    base_newest: datetime | None = None
    live_newest: datetime | None = None
    facts: int = 0
    """Distinct EHR events that are no observations: admission, transfers, discharge."""
    admissions: int = 0
    """Distinct admission events; their demographics bear on every step, so each counts as an input of every step."""
    discharged_at: datetime | None = None
    heard: datetime | None = None
    """The end of its newest vital window."""
    passed: int = 0
    """Steps that the clock of its partition has left behind: nothing more is expected of them."""
    silence: Silence = Silence.NONE
    spoken: int = 0
    """The last step that silence was said of."""
    kept: dict[int, Kept] = field(default_factory=dict)

    @property
    def due(self) -> int:
        """The last step that ought to be committed by now."""
        over = self.discharged_at is not None or self.passed >= self.open
        return self.open if over else self.open - 1

    @property
    def is_due(self) -> bool:
        """Whether a step ought to be committed, or committed again."""
        return self.emit_from <= self.live or self.live < self.due

    @property
    def told(self) -> int:
        """The last step that was committed and said: `live`, but for a stay that was rewound for another model."""
        return max(self.live, self.emit_from - 1)

    @property
    def last_input(self) -> datetime:
        """When the newest input of the committed steps was; the admission where there is none."""
        return self.live_newest or self.admitted_at

    def begin(self, step: int, kept_steps: int) -> None:
        """Open the first step that anything is known of."""
        self.base = self.live = max(step - kept_steps, 0)
        self.emit_from = self.live + 1
        self.open = step

    def step(self, number: int) -> Kept:
        """The kept step, made when first touched."""
        kept = self.kept.get(number)
        if kept is None:
            kept = self.kept[number] = Kept()
        return kept

    def hear(self, at: datetime) -> None:
        """A vital window that ends at `at` was taken in; a newer one than all before breaks the silence."""
        if self.heard is None or at > self.heard:
            self.heard, self.silence = at, Silence.NONE

    def touch(self, step: int) -> None:
        """Inputs of this step have changed: it and all after it are to be published again."""
        self.emit_from = min(self.emit_from, step)

    def rewind(self) -> None:
        """Forget the commits inside the window; the caller copies the base state over the live one."""
        self.live, self.live_inputs, self.live_newest = self.base, self.base_inputs, self.base_newest
        self.live_observations = self.base_observations

    def commit_live(self) -> int:
        """Move `live` on by one step; returns that step."""
        self.live += 1
        kept = self.kept.get(self.live)
        if kept is not None:
            self.live_inputs += kept.inputs
            self.live_observations += kept.observations
            self.live_newest = kept.newest or self.live_newest
        return self.live

    def commit_base(self) -> int:
        """Move `base` on by one step, which leaves the window; returns that step."""
        self.base += 1
        kept = self.kept.pop(self.base, None)
        if kept is not None:
            self.base_inputs += kept.inputs
            self.base_observations += kept.observations
            self.base_newest = kept.newest or self.base_newest
        return self.base
