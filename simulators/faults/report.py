"""What a scenario came to, held against what it had to come to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from lemof_stream.contracts.predictions import Kind
from lemof_stream.settings import Settings
from lemof_stream.worker.audit import Audit
from simulators.faults.expected import Counts, Finals
from simulators.faults.kinds import ClockSkew, Silence
from simulators.faults.observed import Published
from simulators.faults.plan import Plan
from simulators.faults.scenario import Injected, Scenario

TOLERANCE: Final = 1e-5
"""How far two predictions may be apart and still be the same: the one that parity is promised to."""

_SILENT: Final[tuple[Kind, ...]] = ("stale", "withheld")


class Fault(BaseModel):
    """One fault of the scenario, and how much of the ward it met. A process fault meets one process."""

    kind: str
    start_min: float
    messages: int = 0
    beds: int = 0
    process: str | None = None


class Steps(BaseModel):
    """Final predictions of stays and steps beside those that were due."""

    expected: int
    equal: int
    differing: int
    missing: int
    beyond: int
    """Of steps that have none."""
    repeated: int
    """Predictions, of any kind, that were published more than once."""
    reference: str


class Report(BaseModel):
    """`held`: it balances, and all that was expected came true; `problems` says what did not."""

    scenario: str
    seed: int
    beds: int
    hours: int
    seconds: float
    faults: list[Fault]
    counted: Counts
    expected: Counts
    letters: dict[str, int]
    expected_letters: dict[str, int]
    steps: Steps
    silent_beds: dict[Kind, int]
    """Beds that had a stale prediction, and a withheld one."""
    balanced: bool
    held: bool
    problems: list[str]


@dataclass(frozen=True)
class Outcome:
    """What a run left in Kafka, and what its final predictions had to be."""

    audit: Audit
    letters: Counter[str]
    published: Published
    finals: Finals


def judge(
    name: str, scenario: Scenario, plan: Plan, outcome: Outcome, settings: Settings, seconds: float
) -> Report:
    """Hold what a run left against what it had to come to."""
    faults = _faults_of(scenario, plan.injected)
    counted = Counts.model_validate(outcome.audit.model_dump(include=set(Counts.model_fields)))
    steps = _compare(outcome, harmless=scenario.harmless)
    problems = [
        *outcome.audit.problems,
        *_miscounted("windows", counted.model_dump(), plan.accounts.counts.model_dump()),
        *_miscounted("dead letters", outcome.letters, plan.accounts.letters),
        *_wrong_steps(steps),
        *_untold_silence(scenario, plan, outcome.published, settings),
    ]
    return Report(
        scenario=name,
        seed=scenario.seed,
        beds=scenario.beds,
        hours=scenario.hours,
        seconds=round(seconds, 1),
        faults=faults,
        counted=counted,
        expected=plan.accounts.counts,
        letters=dict(sorted(outcome.letters.items())),
        expected_letters=dict(sorted(plan.accounts.letters.items())),
        steps=steps,
        silent_beds={kind: len(outcome.published.stays[kind]) for kind in _SILENT},
        balanced=outcome.audit.balanced,
        held=not problems,
        problems=problems,
    )


def agree(found: Finals, expected: Finals) -> bool:
    """Whether both hold the same predictions of the same steps."""
    return found.keys() == expected.keys() and all(_equal(found[key], expected[key]) for key in expected)


def _compare(outcome: Outcome, *, harmless: bool) -> Steps:
    found, expected = outcome.published.finals, outcome.finals
    both = found.keys() & expected.keys()
    equal = sum(_equal(found[key], expected[key]) for key in both)
    return Steps(
        expected=len(expected),
        equal=equal,
        differing=len(both) - equal,
        missing=len(expected.keys() - found.keys()),
        beyond=len(found.keys() - expected.keys()),
        repeated=outcome.published.repeated,
        reference="a run without the faults" if harmless else "a run on what came through",
    )


def _miscounted(what: str, counted: Mapping[str, int], expected: Mapping[str, int]) -> Iterator[str]:
    """A sentence for each count that is not as expected."""
    for name in sorted(counted.keys() | expected.keys()):
        found, due = counted.get(name, 0), expected.get(name, 0)
        if found != due:
            yield f"{found:,} {what} were {name}, where {due:,} had to be."


def _wrong_steps(steps: Steps) -> Iterator[str]:
    """A sentence for whatever keeps the predictions from being the expected ones."""
    if steps.differing:
        yield f"{steps.differing:,} final predictions differ from those of {steps.reference}."
    if steps.missing:
        yield f"{steps.missing:,} final predictions are missing."
    if steps.beyond:
        yield f"{steps.beyond:,} final predictions are of steps that have none."
    if steps.repeated:
        yield f"{steps.repeated:,} predictions were published twice."


def _untold_silence(
    scenario: Scenario, plan: Plan, published: Published, settings: Settings
) -> Iterator[str]:
    """A sentence where beds were silent to the end, for long enough, and their predictions did not say so.

    Of a silence that has ended a runner that lags behind need not tell: it may take both ends of it in one cycle.
    """
    limits = (settings.stale_after_min, settings.withheld_after_min)
    skewed = {stay for fault, stays in plan.injected if isinstance(fault, ClockSkew) for stay in stays}
    end_min = scenario.hours * 60
    for kind, minutes in zip(_SILENT, limits, strict=True):
        silent = {
            stay
            for fault, stays in plan.injected
            if isinstance(fault, Silence)
            # A bed's last window is up to a minute old when a silence begins.
            and fault.start_min + minutes + 1 <= end_min < fault.start_min + fault.length_min
            for stay in stays
        }
        if untold := silent - skewed - published.stays[kind]:
            yield f"{len(untold):,} beds were silent for more than {minutes} minutes without {kind} predictions."


def _faults_of(scenario: Scenario, injected: Sequence[Injected]) -> list[Fault]:
    messages = [
        Fault(kind=fault.kind, start_min=fault.start_min, messages=len(stays), beds=len(set(stays)))
        for fault, stays in injected
    ]
    processes = [
        Fault(kind=fault.kind, start_min=fault.start_min, process=fault.process)
        for fault in scenario.process_faults
    ]
    return messages + processes


def _equal(found: Mapping[str, float], expected: Mapping[str, float]) -> bool:
    return found.keys() == expected.keys() and all(
        abs(found[name] - value) <= TOLERANCE for name, value in expected.items()
    )
