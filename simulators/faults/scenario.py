"""A scenario: a ward and what goes wrong in it. The shipped ones lie beside this module, in `scenarios`."""

from importlib import resources
from pathlib import Path
from typing import Annotated, Final, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lemof_stream.config_files import first_complaint, read_toml
from lemof_stream.errors import ConfigError
from simulators.faults.kinds import AnyFault, BrokerPause, ClockSkew, Kill, MessageFault
from simulators.faults.sending import Sending

# Half of the two days that the runner keeps: no window is ever late, and the other half is there for clocks ahead.
_LONGEST_HOURS: Final = 24
_KEPT_HOURS: Final = 48
REFUSED_FROM_MIN: Final = (7 + 2) * 24 * 60
"""A clock that is ahead by this much sends windows that are refused, whatever came before them: a runner takes none
that is a week ahead of its stay's newest step, which is two days after the opening at most. (Not taken from the runner,
which would bring torch into every command.)"""
_MOST_WINDOWS: Final = 200_000  # all of them are held in memory, some 1 KB each
_SHIPPED: Final = resources.files("simulators.faults") / "scenarios"
_MEND: Final = "name a TOML file, or one of `lemof-sim faults list`"


class Scenario(BaseModel):
    """`beds` simulated beds for `hours` hours of their own time, at `speed` times real time.

    Faults of messages act one behind the other, each on what the one before has left.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    about: str
    seed: Annotated[int, Field(ge=0)]
    beds: Annotated[int, Field(ge=1, le=1000)]
    hours: Annotated[int, Field(ge=1, le=_LONGEST_HOURS)]
    speed: Annotated[float, Field(gt=0)]
    faults: Annotated[tuple[AnyFault, ...], Field(min_length=1)]

    @property
    def message_faults(self) -> list[MessageFault]:
        """Those that alter what is sent."""
        return [fault for fault in self.faults if isinstance(fault, MessageFault)]

    @property
    def process_faults(self) -> list[BrokerPause | Kill]:
        """Those that are done to processes."""
        return [fault for fault in self.faults if isinstance(fault, BrokerPause | Kill)]

    @property
    def harmless(self) -> bool:
        """Whether predictions have to be those of a run without the faults."""
        return all(fault.harmless for fault in self.faults)

    @model_validator(mode="after")
    def _fits_its_ward(self) -> Self:
        if self.beds * self.hours * 60 > _MOST_WINDOWS:
            raise ValueError(f"the ward sends more than {_MOST_WINDOWS:,} windows; take fewer beds or hours")
        for number, fault in enumerate(self.faults):
            if fault.start_min >= self.hours * 60:
                raise ValueError(f"faults.{number} begins after the ward's last minute, {self.hours * 60}")
        ahead = [fault.by_min for fault in self.faults if isinstance(fault, ClockSkew) and fault.by_min > 0]
        room = (_KEPT_HOURS - self.hours) * 60
        if sum(by for by in ahead if by < REFUSED_FROM_MIN) > room:
            raise ValueError(
                f"clocks are ahead by {sum(ahead):g} minutes; take at most {room} in all (such windows count) or at "
                f"least {REFUSED_FROM_MIN} for each (such are refused), as else a bed's true windows become late"
            )
        return self


class Injected(NamedTuple):
    """What a fault of messages touched: the stay of each message."""

    fault: MessageFault
    stays: list[str]


def inject(scenario: Scenario, sendings: list[Sending]) -> tuple[list[Sending], list[Injected]]:
    """The sendings, in order of time, with every fault of messages done to them, one behind the other.

    The same scenario and sendings give the same. Each fault draws from numbers of its own.
    """
    injected: list[Injected] = []
    for number, fault in enumerate(scenario.message_faults):
        random = np.random.default_rng([scenario.seed, number])
        chosen = fault.chooser(sendings, random)
        altered: list[Sending] = []
        stays: list[str] = []
        for sending in sendings:
            if chosen(sending):
                stays.append(sending.message.stay_id)
                altered.extend(fault.alter(sending, random))
            else:
                altered.append(sending)
        sendings = sorted(altered, key=lambda sending: sending.at_s)
        injected.append(Injected(fault, stays))
    return sendings, injected


def shipped() -> dict[str, Scenario]:
    """The scenarios of the package by name."""
    names = sorted(f.name.removesuffix(".toml") for f in _SHIPPED.iterdir() if f.name.endswith(".toml"))
    return {name: load(name) for name in names}


def load(name: str) -> Scenario:
    """A scenario of the package by its name, or that of a file.

    Raises:
        ConfigError: there is none, or it does not fit.
    """
    own = _SHIPPED / f"{name}.toml"
    file = own if "/" not in name and own.is_file() else Path(name)
    try:
        return Scenario.model_validate(read_toml(file, "scenario", mend=_MEND))
    except ValidationError as error:
        where, complaint = first_complaint(error)
        raise ConfigError(
            f"The scenario {name} does not fit{where and f' at {where}'}: {complaint}; correct it."
        ) from None
