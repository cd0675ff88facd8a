"""Small wards for the tests of faults."""

from itertools import takewhile
from typing import Any, Final

from simulators.faults.plan import OPENED_AT
from simulators.faults.scenario import Scenario
from simulators.faults.sending import Sending, sendings_of
from simulators.ward import ward

BEDS: Final = 4
HOURS: Final = 4


def scenario(*faults: dict[str, Any], seed: int = 0) -> Scenario:
    """A scenario of a small ward."""
    return Scenario.model_validate(
        {"about": "a test", "seed": seed, "beds": BEDS, "hours": HOURS, "speed": 3600, "faults": faults}
    )


def clean() -> list[Sending]:
    """What the ward of `scenario` sends without any faults."""
    moments = ward(BEDS, OPENED_AT, 0).moments
    return sendings_of(takewhile(lambda moment: moment.at_s <= HOURS * 3600, moments))
