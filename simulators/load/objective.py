"""The objective of a load test: `p99=150ms`, `lag=5000`; several have to hold together."""

import math
import re
from typing import Final, Self

from pydantic import BaseModel

from lemof_stream.errors import ConfigError
from simulators.load.latency import LatencyHistogram

_GRAMMAR: Final = re.compile(
    r"(?:p(?P<q>\d{1,2}(?:\.\d+)?)=(?P<latency>\d+(?:\.\d+)?)(?P<unit>ms|s)|lag=(?P<lag>\d+))"
)
_MS: Final = {"ms": 1.0, "s": 1000.0}


class Objective(BaseModel):
    """One bound. `percentile` of the latencies, in milliseconds; None: the runner's lag, in windows."""

    text: str
    percentile: float | None
    limit: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """`pNN=Xms`, `pNN=Xs` or `lag=N`.

        Raises:
            ConfigError: it is none of these.
        """
        found = _GRAMMAR.fullmatch(text)
        percentile = None if found is None or found["q"] is None else float(found["q"])
        if found is None or percentile == 0:
            raise ConfigError(
                f"--slo {text} cannot be read: write a percentile of the latency as in p99=150ms or p99.9=2s, or the "
                "most windows that may wait for the runner, as in lag=5000."
            )
        if percentile is None:
            return cls(text=text, percentile=None, limit=float(found["lag"]))
        return cls(text=text, percentile=percentile, limit=float(found["latency"]) * _MS[found["unit"]])


class Verdict(BaseModel):
    """Whether an objective held; `percentile` and `limit` are its own. `found`: None where there is no number, as too
    many windows were never answered.
    """

    objective: str
    percentile: float | None
    limit: float
    held: bool
    found: float | None
    reason: str
    """What was found and what was asked, and by how much it was missed: the middle of a sentence."""


def judge(objective: Objective, latency: LatencyHistogram, largest_lag: int | None) -> Verdict:
    """Hold what was measured against an objective; a window without a prediction took for ever."""
    if objective.percentile is None:
        found = math.inf if largest_lag is None else float(largest_lag)
        unit, what = " windows", "the runner's lag"
    else:
        found = latency.percentile(objective.percentile)
        unit, what = " ms", f"p{objective.percentile:g}"
    held = found <= objective.limit
    asked = f"where at most {objective.limit:,.0f}{unit} were asked"
    if math.isfinite(found):
        reason = f"{what} was {found:,.0f}{unit} {asked}"
        if not held:
            times = f" ({found / objective.limit:.2g} times as much)" if objective.limit else ""
            reason += f", {found - objective.limit:,.0f}{unit} too many{times}"
    elif objective.percentile is None:
        reason = f"{what} could not be read, {asked}"
    else:
        never = f"{latency.never:,} of {latency.count:,} windows had no prediction by the end"
        reason = f"{what} cannot be stated, as {never}, {asked}"
    return Verdict(
        objective=objective.text,
        percentile=objective.percentile,
        limit=objective.limit,
        held=held,
        found=found if math.isfinite(found) else None,
        reason=reason,
    )
