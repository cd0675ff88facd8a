"""Runs a scenario: a ward of its own, its messages with the faults in them, and what became of all that."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lemof_stream.broker import Broker
from lemof_stream.errors import LemofError
from lemof_stream.settings import Settings, load_settings
from lemof_stream.stopping import stop_event
from lemof_stream.worker.audit import Audit, audit
from simulators.faults.expected import Finals, finals
from simulators.faults.kinds import BrokerPause, Kill
from simulators.faults.observed import Published, letters_by_reason
from simulators.faults.owned_ward import OwnedWard
from simulators.faults.plan import Plan, plan
from simulators.faults.report import Outcome, Report, agree, judge
from simulators.faults.scenario import Scenario
from simulators.play import Player
from simulators.sender import open_sender
from simulators.timeline import Timeline

_DRAIN_DEADLINE_S: Final = 120.0  # a restarted EHR app takes some 20 s to come back; more on a busy machine

Say = Callable[[str], None]


class InterruptedRunError(Exception):
    """A person stopped the scenario before its end."""


def run(name: str, scenario: Scenario, say: Say) -> Report:
    """Run a scenario to its end, `say` being told how it goes.

    Raises:
        InterruptedRunError: Ctrl-C or SIGTERM.
        LemofError: Kafka or a process could not be started, or ended by itself.
    """
    started = time.monotonic()
    planned = plan(scenario)
    say("Starting Kafka (the first time its 45 MB are fetched), the EHR app and the runners ...")
    with (
        tempfile.TemporaryDirectory(prefix="lemof-faults-") as folder,
        Broker(Path(folder, "kafka")) as broker,
    ):
        settings = load_settings(brokers=broker.bootstrap)
        with OwnedWard(broker, settings, Path(folder), scenario.process_faults) as owned:
            outcome = asyncio.run(_observe(scenario, planned, owned, say))
    return judge(name, scenario, planned, outcome, settings, time.monotonic() - started)


async def _observe(scenario: Scenario, planned: Plan, owned: OwnedWard, say: Say) -> Outcome:
    brokers, stopped = owned.settings.brokers, stop_event()
    if not await owned.open(stopped):
        _refuse_interrupted(stopped)
        raise LemofError(
            "The EHR app and the runners did not join their groups in time: try on a less busy machine."
        )
    async with Published(brokers) as published:
        say(f"Playing {planned.timeline.messages:,} messages at {scenario.speed:,g} times real time ...")
        await _play(scenario, planned.timeline, owned, stopped, say)
        say("Waiting until all of it is taken ...")
        expected = await asyncio.to_thread(_finals, scenario, planned, owned.settings)
        audited = await _drained(planned, expected, published, owned, stopped)
        _refuse_interrupted(stopped)
        return Outcome(audited, await letters_by_reason(brokers), published, expected)


async def _play(
    scenario: Scenario, timeline: Timeline, owned: OwnedWard, stopped: asyncio.Event, say: Say
) -> None:
    """Play the timeline, doing the process faults when the ward's clock comes to them."""

    async def do(fault: BrokerPause | Kill) -> None:
        await asyncio.sleep(fault.start_min * 60 / scenario.speed)
        say(f"Minute {fault.start_min:g}: {fault.deed}.")
        await owned.do(fault)

    async with open_sender(owned.settings.brokers) as sender:
        player = Player(timeline, sender, scenario.speed)
        ending = asyncio.create_task(stopped.wait())
        ending.add_done_callback(lambda _: player.stop())
        faults = asyncio.gather(*(do(fault) for fault in scenario.process_faults))
        try:
            await player.play(lambda _: None)
            if not stopped.is_set():
                await faults
        finally:
            ending.cancel()
            faults.cancel()  # a process that is stopped goes on
            await asyncio.gather(faults, ending, return_exceptions=True)


def _finals(scenario: Scenario, planned: Plan, settings: Settings) -> Finals:
    """What had to be published in the end."""
    import torch

    from lemof_stream.model import load_checkpoint

    torch.set_num_threads(1)  # the ward's processes have the cores
    messages = planned.clean if scenario.harmless else planned.accounts.usable
    return finals(messages, load_checkpoint(settings.checkpoint), planned.end)


async def _drained(
    planned: Plan, expected: Finals, published: Published, owned: OwnedWard, stopped: asyncio.Event
) -> Audit:
    """The audit once every window is accounted for and the last step is final, or as it stands at the deadline."""
    latest: list[Audit] = []

    async def taken() -> bool:
        latest[:] = [await audit(owned.settings.brokers, owned.settings.group)]
        all_in = latest[0].received >= planned.accounts.counts.received and latest[0].pending == 0
        return all_in and latest[0].balanced and agree(published.finals, expected)

    await owned.children.until(taken, _DRAIN_DEADLINE_S, stopped)
    return latest[0]


def _refuse_interrupted(stopped: asyncio.Event) -> None:
    if stopped.is_set():
        raise InterruptedRunError
