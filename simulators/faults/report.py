"""What a scenario came to, held against what it had to come to."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from lemof_stream.worker.audit import Audit
from simulators.faults.expected import Counts, Finals
from simulators.faults.kinds import Silence
from simulators.faults.observed import Published
from simulators.faults.plan import Plan
from simulators.faults.scenario import Injected, Scenario

TOLERANCE: Final = 1e-5
"""How far two predictions may be apart and still be the same: the one that parity is promised to."""


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
    name: str, scenario: Scenario, plan: Plan, outcome: Outcome, stale_after_min: int, seconds: float
) -> Report:
    """Hold what a run left against what it had to come to."""
    faults = _faults_of(scenario, plan.injected)
    counted = Counts.model_validate(outcome.audit.model_dump(include=set(Counts.model_fields)))
    steps = _compare(outcome, harmless=scenario.harmless)
    problems = [
        *outcome.audit.problems,
        *_untouched(faults),
        *_miscounted("windows", counted.model_dump(), plan.accounts.counts.model_dump()),
        *_miscounted("dead letters", outcome.letters, plan.accounts.letters),
        *_wrong_steps(steps),
        *_untold_silence(scenario, plan.injected, outcome.published, stale_after_min),
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


def _untouched(faults: Sequence[Fault]) -> Iterator[str]:
    """A sentence for each fault that met nothing, and so shows nothing."""
    for fault in faults:
        if fault.process is None and not fault.messages:
            yield (
                f"The {fault.kind} of minute {fault.start_min:g} touched no message: let it last longer, or take "
                "more of them."
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
    scenario: Scenario, injected: Sequence[Injected], published: Published, stale_after_min: int
) -> Iterator[str]:
    """A sentence where beds were silent for long enough and their predictions were never stale."""
    # A bed's last window is up to a minute old when a silence begins.
    after = stale_after_min + 1
    silent = {
        stay
        for fault, stays in injected
        if isinstance(fault, Silence) and min(fault.length_min, scenario.hours * 60 - fault.start_min) > after
        for stay in stays
    }
    if untold := silent - published.stays["stale"]:
        yield f"{len(untold):,} beds were silent for more than {stale_after_min} minutes and not told as stale."


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
