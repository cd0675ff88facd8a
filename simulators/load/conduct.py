"""A whole load test: one run or a search, the audit, and what is to be said of it."""

from collections.abc import Callable
from importlib.metadata import version

from pydantic import BaseModel

from lemof_stream.broker.admin import require_equal_topics
from lemof_stream.contracts.topics import DEAD_LETTERS, EHR_EVENTS, LEDGER, PREDICTIONS, VITALS
from lemof_stream.settings import Settings
from lemof_stream.worker.audit import Audit, audit
from simulators.load.objective import Objective
from simulators.load.plan import Plan
from simulators.load.results import Machine, Report, Run
from simulators.load.search import search
from simulators.load.trial import Bench


class LoadTest(BaseModel):
    """What was asked for. `find`: search for the most beds that hold the objectives, beginning with the plan's."""

    plan: Plan
    objectives: list[Objective]
    find: bool
    processes: int


async def load_test(settings: Settings, test: LoadTest, tell: Callable[[str], None]) -> Report:
    """Run it; `tell` hears what is done next.

    Raises:
        BrokerError: Kafka is not there or goes away, it lacks the topics, or nobody predicts.
    """
    partitions = await require_equal_topics(
        settings.brokers, VITALS, EHR_EVENTS, PREDICTIONS, DEAD_LETTERS, LEDGER
    )
    async with Bench.open(settings, partitions, tell) as bench:

        async def attempt(beds: int) -> Run:
            plan = test.plan.model_copy(update={"beds": beds})
            run = await bench.run(plan, test.objectives, test.processes)
            tell(f"  {run.answered_per_s:,.0f} windows a second answered; {run.reason}")
            return run

        if test.find:
            runs, best = await search(attempt, test.plan.beds)
        else:
            runs, best = [await attempt(test.plan.beds)], 0
    tell("auditing")
    balance = await audit(settings.brokers, settings.group)
    shown = len(runs) - 1 if best is None else best
    held, reason = _judge(test, runs, best, balance)
    return Report(
        began=bench.began,
        version=version("lemof-stream"),
        machine=Machine(),
        brokers=settings.brokers,
        group=settings.group,
        partitions=partitions,
        objectives=[objective.text for objective in test.objectives],
        runs=runs,
        shown=shown,
        largest_beds=runs[shown].plan.beds if test.find and best is not None else None,
        audit=balance,
        held=held,
        reason=reason,
    )


def _judge(test: LoadTest, runs: list[Run], best: int | None, balance: Audit) -> tuple[bool, str]:
    """Whether all of it held, and the sentence that says why or why not."""
    if not balance.balanced:
        return False, f"The audit does not balance: {balance.problems[0]}."
    if not test.find:
        held = runs[0].held
        if not test.objectives:
            return held, "No objective was set." if held else runs[0].reason
        return held, f"The objective {'held' if held else 'did not hold'}: {runs[0].reason}"
    if best is None:
        return False, f"Not even {runs[-1].plan.beds:,} beds held the objective: {runs[-1].reason}"
    beds = runs[best].plan.beds
    above = min((run for run in runs if run.plan.beds > beds), key=lambda run: run.plan.beds)
    return True, f"{beds:,} beds held the objective; {above.plan.beds:,} did not: {above.reason}"
