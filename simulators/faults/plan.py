"""A scenario before it runs: every message that will be sent, and what has to become of each."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Final

from lemof_stream.errors import ConfigError
from simulators.faults.expected import Accounts, account
from simulators.faults.scenario import Injected, Scenario, inject
from simulators.faults.sending import moments_of, sendings_of
from simulators.timeline import StayMessage, Timeline
from simulators.ward import ward

OPENED_AT: Final = datetime(2100, 1, 1, 7, tzinfo=UTC)
"""When the ward of every scenario opens: clearly no real date; the early shift."""


@dataclass(frozen=True)
class Plan:
    """What is sent, known before anything is: `clean` without the faults."""

    timeline: Timeline
    clean: list[StayMessage]
    injected: list[Injected]
    accounts: Accounts
    end: datetime


def plan(scenario: Scenario) -> Plan:
    """The messages of a scenario's ward with the faults in them; the same scenario gives the same.

    Raises:
        ConfigError: a fault touches no message, and would show nothing.
    """
    end_s = scenario.hours * 3600.0
    moments = takewhile(
        lambda moment: moment.at_s <= end_s, ward(scenario.beds, OPENED_AT, scenario.seed).moments
    )
    clean = sendings_of(moments)
    sendings, injected = inject(scenario, clean)
    for fault, stays in injected:
        if not stays:
            raise ConfigError(
                f"The fault {fault.kind} from minute {fault.start_min:g} on touches no message of the scenario: let it "
                "last longer, or take a larger share."
            )
    held_s = sum(fault.held_s for fault in scenario.message_faults)
    return Plan(
        timeline=Timeline(OPENED_AT, end_s, held_s, len(sendings), moments_of(sendings)),
        clean=account(clean, OPENED_AT).usable,
        injected=injected,
        accounts=account(sendings, OPENED_AT),
        end=OPENED_AT + timedelta(seconds=end_s),
    )
