"""How alike a simulated ward and PhysioNet 2012 are: medians, spread, correlation, gaps and artefacts of each channel.

Shapes: C channels, S stays, H hours.

A recording holds what was charted, about once an hour; the ward's monitors tell every minute. So of each hour the
mean of what was charted stands beside the ward's last value: nurses chart an instant.
"""

import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from lemof_stream.cohorts import Cohort
from lemof_stream.cohorts.physionet2012 import CHANNEL_OF
from lemof_stream.contracts.channels import CHANNELS
from lemof_stream.contracts.ehr import Observations
from lemof_stream.contracts.vitals import VitalWindow
from simulators.ward import ward

_START: Final = datetime(2100, 1, 1, 8, tzinfo=UTC)  # clearly no real date; any will do
_PARAMETER_OF: Final = {channel: parameter for parameter, channel in CHANNEL_OF.items()}
_FEWEST: Final = 50  # pairs of hours that a correlation is told of; of fewer it is chance


class Statistics(BaseModel):
    """One channel of one source. None where there is too little."""

    median: float | None
    q25: float | None
    q75: float | None
    lag_1h: float | None
    """Correlation of a value with that of an hour later, each less the mean of its stay."""
    missing: float
    """Share of the hours of all stays that hold none."""
    implausible: float
    """Share of the values outside the plausible range: slips in charts, artefacts of monitors."""


class Compared(BaseModel):
    """Both sources, by channel."""

    hours: int
    recorded_stays: int
    simulated_stays: int
    recorded: dict[str, Statistics]
    simulated: dict[str, Statistics]


def compare(cohort: Cohort, stays: int, hours: int, seed: int) -> Compared:
    """The first hours of the stays of PhysioNet 2012 beside those of simulated stays."""
    names = cohort.channels
    recorded = {
        name: _statistics(grid, present, _implausible_share(cohort, name))
        for name, (grid, present) in zip(names, _recorded(cohort, hours), strict=True)
    }
    return Compared(
        hours=hours,
        recorded_stays=len(cohort),
        simulated_stays=stays,
        recorded=recorded,
        simulated=_simulated(names, stays, hours, seed),
    )


def markdown(found: Compared, command: str) -> str:
    """The table to read."""
    lines = [
        "# A simulated ward beside PhysioNet 2012",
        "",
        "```",
        command,
        "```",
        "",
        f"- Stays: {found.recorded_stays:,} recorded, {found.simulated_stays:,} simulated; hours: {found.hours}.",
        "- Of each hour: the mean of what was charted, the last value of the simulated ward.",
        "- Lag 1 h: correlation with the value an hour later, each less the mean of its stay.",
        "- Missing: share of hours without a value; recordings are charted, the ward's monitors tell every minute.",
        "- Implausible: per 1,000 values, those outside the plausible range of the channel.",
        "- Both columns of a pair: recorded, simulated.",
        "",
        "| channel | median (quartiles) | | lag 1 h | | missing | | implausible | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, recorded in found.recorded.items():
        both = (recorded, found.simulated[name])
        cells = [
            *(_quartiles(own) for own in both),
            *("-" if own.lag_1h is None else f"{own.lag_1h:.2f}" for own in both),
            *(f"{own.missing:.0%}" for own in both),
            *(f"{1000 * own.implausible:.1f}" for own in both),
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _quartiles(own: Statistics) -> str:
    if own.median is None:
        return "-"
    return f"{own.median:.3g} ({own.q25:.3g} to {own.q75:.3g})"


def _recorded(cohort: Cohort, hours: int) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Of each channel the hourly means [S, H] and which hours the stay holds [S, H]."""
    hour = np.maximum(-(-cohort.minute.astype(np.int64) // 60) - 1, 0)
    present = np.arange(hours) < -(-cohort.recorded_until[:, None] // 60)
    for channel in range(len(cohort.channels)):
        own = (cohort.channel == channel) & (hour < hours)
        cell = cohort.stay[own].astype(np.int64) * hours + hour[own]
        size = len(cohort) * hours
        counts, sums = np.bincount(cell, minlength=size), np.bincount(cell, cohort.value[own], minlength=size)
        means = np.full(size, np.nan)
        np.divide(sums, counts, out=means, where=counts > 0)
        yield means.reshape(len(cohort), hours), present


def _implausible_share(cohort: Cohort, channel: str) -> float:
    """Of a whole read: what its reader clipped or dropped for being impossible."""
    counts = cohort.report.parameters[_PARAMETER_OF[channel]]
    return (counts.clipped + counts.dropped.get("impossible", 0)) / counts.read


def _simulated(names: Sequence[str], stays: int, hours: int, seed: int) -> dict[str, Statistics]:
    grid = np.full((len(names), stays, hours), np.nan)
    present = np.zeros((stays, hours), np.bool_)
    told, implausible = np.zeros(len(names)), np.zeros(len(names))
    column = {name: number for number, name in enumerate(names)}
    row: dict[str, int] = {}
    for minute, moment in enumerate(islice(ward(stays, _START, seed).moments, hours * 60 + 1)):
        hour = max(-(-minute // 60) - 1, 0)
        for message in moment.messages:
            if minute == 0:
                row[message.stay_id] = len(row)
            stay = row.get(message.stay_id)
            match message:
                case VitalWindow():
                    values = message.channels
                case Observations():
                    values = message.values
                case _:
                    continue
            if stay is None:  # of those who came later
                continue
            present[stay, hour] = True
            for name, value in values.items():
                if name in column:
                    number = column[name]
                    low, high = CHANNELS[name].plausible
                    told[number] += 1
                    if low <= value <= high:
                        grid[number, stay, hour] = value
                    else:
                        implausible[number] += 1
    return {
        name: _statistics(grid[number], present, float(implausible[number] / max(told[number], 1)))
        for name, number in column.items()
    }


def _statistics(grid: NDArray[np.float64], present: NDArray[np.bool_], implausible: float) -> Statistics:
    known = grid[~np.isnan(grid)]
    quartiles = np.percentile(known, (50, 25, 75)).tolist() if len(known) else (None, None, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of a stay without any value
        moved = grid - np.nanmean(grid, axis=1, keepdims=True)
    now, later = moved[:, :-1].ravel(), moved[:, 1:].ravel()
    both = ~np.isnan(now + later)
    lag = None
    if both.sum() >= _FEWEST and now[both].std() > 0:
        lag = float(np.corrcoef(now[both], later[both])[0, 1])
    return Statistics(
        median=quartiles[0],
        q25=quartiles[1],
        q75=quartiles[2],
        lag_1h=lag,
        missing=float(np.isnan(grid[present]).mean()),
        implausible=implausible,
    )
