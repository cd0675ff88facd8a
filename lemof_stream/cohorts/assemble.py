"""From a tally of a recording to its `Cohort`: what every reader does last.

Shapes: S stays, R rows.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lemof_stream.cohorts.cohort import Cohort, StepTargets
from lemof_stream.cohorts.limits import Floats
from lemof_stream.cohorts.report import ReadReport
from lemof_stream.cohorts.tally import Measurements, Tally
from lemof_stream.contracts.channels import CHANNELS, EHR, VITALS
from lemof_stream.contracts.ehr import Demographics


class Stays(NamedTuple):
    """What a reader knows of the stays themselves, as in `Cohort` and `ReadReport`."""

    cohort: str
    ids: tuple[str, ...]
    person: tuple[str, ...]
    demographics: tuple[Demographics, ...]
    length_of_stay: Floats
    death: Floats
    recorded_until: NDArray[np.int32]
    repeated: int
    other_files: int


def channels_of(channel_of: Mapping[str, str]) -> tuple[str, ...]:
    """The channels that published names mean, in the order of the channel table."""
    return tuple(name for name in VITALS + EHR if name in channel_of.values())


def measurements(tally: Tally, channel_of: Mapping[str, str], channels: tuple[str, ...]) -> Measurements:
    """The values of the parameters that are channels, inside their limits, one a stay, minute and channel."""
    for name, channel in channel_of.items():
        tally.limit(name, channel, CHANNELS[channel].plausible, CHANNELS[channel].possible)
    index = [channels.index(channel_of[n]) if n in channel_of else -1 for n in tally.lines.names]
    return tally.collapse(np.array(index, np.int16), len(channels))


def last_minutes(stay: NDArray[np.integer], minute: NDArray[np.integer], stays: int) -> NDArray[np.int32]:
    """[S] the latest minute of each stay's rows [R], 0 where it has none."""
    last = np.zeros(stays, np.int32)
    np.maximum.at(last, stay, minute)
    return last


def unknown(stays: int) -> Floats:
    """[S] an outcome that a set does not hold."""
    return np.full(stays, np.nan)


def assemble(
    stays: Stays,
    tally: Tally,
    measured: Measurements,
    channels: tuple[str, ...],
    step_targets: StepTargets | None,
) -> Cohort:
    """The cohort, with its report; everything was decided on in the tally before."""
    return Cohort(
        name=stays.cohort,
        stay_ids=stays.ids,
        person=stays.person,
        demographics=stays.demographics,
        length_of_stay=stays.length_of_stay,
        death=stays.death,
        recorded_until=stays.recorded_until,
        step_targets=step_targets,
        channels=channels,
        stay=measured.stay,
        minute=measured.minute,
        channel=measured.channel,
        value=measured.value,
        report=ReadReport(
            cohort=stays.cohort,
            stays=len(stays.ids),
            people=len(set(stays.person)),
            repeated_stays=stays.repeated,
            other_files=stays.other_files,
            outcomes_length_of_stay=int(np.isfinite(stays.length_of_stay).sum()),
            outcomes_death=int(np.isfinite(stays.death).sum()),
            step_targets=0 if step_targets is None else len(step_targets.value),
            values=len(tally.value) + tally.lines.misshapen,
            malformed=tally.malformed + tally.lines.misshapen,
            parameters=tally.parameters(),
        ),
    )
