"""Running features: what is known of a stay at the end of a step, at a constant cost a step.

Everything here runs over steps, never over raw samples, so that a bed that sends every second has the features of
one that is charted hourly. One function, `RunningFeatures.step`, serves training and the bedside.

    B rows, A channels (measured and derived), W = 24 steps of the ring, Q statistics a channel
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lemof_stream.model.channels import Channels, all_channels, on_grid
from lemof_stream.model.inputs import State, StepInputs
from lemof_stream.model.schema import ADMISSION, InputSchema
from lemof_stream.model.torchscript import scripted

WINDOW = 24
"""Steps that the ring holds: the longest window of a feature (the slope's). A modality silent for longer is stale."""
NEVER = 48.0
"""Steps since last seen of a channel never seen; older than this is no different to the model."""
STATISTICS = (
    "last", "first", "change", "mean", "deviation", "lowest", "highest", "slope_24",
    "mean_12", "drift_12", "mean_4", "count", "count_12", "since",
)  # fmt: skip
SLOPE_RIDGE = 10.0
"""Added to the slope's sum of squared times (two steps an hour apart have 0.5), so that two close values, which say
little about a trend, give a slope near zero."""
ROWS = 128
"""Of the ring, summed at once: what is held meanwhile stays in the processor's second cache."""
CONTEXT = ("log_step", "part_of_horizon", "part_of_step")


@dataclass(frozen=True)
class Features:
    """Features of one step. NaN: undefined, because nothing was seen.

    vitals: [B, Av * Q + context], ehr: [B, Ae * Q + context + demographics]
    seen: [B, 2], whether the modality says anything: something of it was seen in the last `WINDOW` steps, or, of the
    EHR, demographics are known
    """

    vitals: Tensor
    ehr: Tensor
    seen: Tensor


class RunningFeatures(nn.Module):
    """From step summaries to features. State: `latest` [B, C], `running` [B, 8, A], `ring` [B, W, A] with
    the newest step last.
    """

    windows: Tensor

    def __init__(self, schema: InputSchema) -> None:
        super().__init__()
        self.schema = schema
        self.channels = Channels(schema)
        self._parts = [len(names) for names in all_channels(schema)]
        self.widths = [a * len(STATISTICS) + len(CONTEXT) for a in self._parts]
        self.widths[1] += len(schema.static) + 1  # and the body mass index
        age = torch.arange(WINDOW - 1, -1, -1.0)  # the newest step is the ring's last
        time = (WINDOW - 1) / 2 - age
        columns = [(age < 4).float(), (age < 12).float(), torch.ones(WINDOW), time, time**2]
        self.register_buffer("windows", torch.stack(columns), persistent=False)  # [5, W]

    def initial_state(self, rows: int) -> State:
        """The state before the first step."""
        measured, all_ = len(self.schema.channels), sum(self._parts)
        running = torch.full((rows, 8, all_), torch.nan)
        running[:, 0] = 0.0
        running[:, 7] = NEVER
        return {
            "latest": torch.full((rows, measured), torch.nan),
            "running": running,
            "ring": torch.full((rows, WINDOW, all_), torch.nan),
        }

    def step(self, inputs: StepInputs, state: State) -> tuple[Features, State]:
        """Take one step of every row in; the state given stays as it was."""
        last, median = self.channels.clip(inputs.last), self.channels.clip(inputs.median)
        known = torch.where(last.isnan(), state["latest"], last)
        value, newest = self.channels(torch.stack([median, last]), known).unbind(0)  # [B, A]
        seen = ~value.isnan()
        running = self._run(state["running"], value, newest, seen)
        ring = torch.cat([state["ring"][:, 1:], value.unsqueeze(1)], 1)
        features = self._assemble(inputs, running, ring)
        return features, {"latest": known, "running": running, "ring": ring}

    @staticmethod
    def _run(running: Tensor, value: Tensor, newest: Tensor, seen: Tensor) -> Tensor:
        """Advance count, mean, sum of squared deviations (Welford), lowest, highest, first, last and age.

        All but count and age are NaN until the channel is first seen.
        """
        count, mean, squares, low, high, first, last, since = running.unbind(1)
        fresh = count == 0
        x = torch.where(seen, value, mean)
        n, away = count + seen, x - mean
        moved = torch.where(fresh, x, mean + away / n)
        return torch.stack(
            [
                n,
                moved,
                torch.where(fresh, x - x, squares + away * (x - moved)),
                torch.where(fresh, x, torch.minimum(low, x)),
                torch.where(fresh, x, torch.maximum(high, x)),
                torch.where(fresh, x, first),
                torch.where(seen, newest, last),
                (since + 1).clamp(max=NEVER) * ~seen,
            ],
            1,
        )

    def _recent(self, ring: Tensor, mean: Tensor) -> list[Tensor]:
        """Slope over 24 steps, mean of 12 and its drift, mean of 4, count of 12; NaN where a window is empty."""
        sums, counts = _window_sums(ring, self.windows)
        sum_4, sum_12, sum_24, sum_tx = sums.unbind(1)
        n_4, n_12, n_24, sum_t, sum_tt = counts.unbind(1)
        centre = sum_t / n_24
        slope = (sum_tx - centre * sum_24) / (sum_tt - centre * sum_t + SLOPE_RIDGE)
        mean_12 = sum_12 / n_12
        return [slope, mean_12, mean_12 - mean, sum_4 / n_4, n_12]

    def _assemble(self, inputs: StepInputs, running: Tensor, ring: Tensor) -> Features:
        count, mean, squares, low, high, first, last, since = running.unbind(1)
        slope, mean_12, drift_12, mean_4, count_12 = self._recent(ring, mean)
        deviation = (squares / count).clamp(min=0).sqrt()
        counts = torch.stack([count, count_12, since], 1).log1p().unbind(1)
        recent = slope, mean_12, drift_12, mean_4
        statistics = last, first, last - first, mean, deviation, low, high, *recent, *counts  # Q of [B, A]
        of_vitals, of_ehr = zip(*(torch.split(one, self._parts, 1) for one in statistics), strict=True)
        context, static = self._context(inputs), self._static(inputs.static.float())
        seen = torch.stack([part.any(1) for part in torch.split(since < WINDOW, self._parts, 1)], 1)
        seen[:, 1] |= (~inputs.static.isnan()).any(1)
        return Features(
            vitals=torch.cat([*of_vitals, context], 1),
            ehr=torch.cat([*of_ehr, context, static], 1),
            seen=seen,
        )

    def _context(self, inputs: StepInputs) -> Tensor:
        step = inputs.step.float()
        horizon, minutes = self.schema.horizon_steps, self.schema.step_minutes
        part = inputs.minutes_open.float() / minutes
        return torch.stack([step.log1p(), (step / horizon).clamp(max=1), part], 1)

    @staticmethod
    def _static(static: Tensor) -> Tensor:
        """Demographics as they are, the long tail of `pre_icu_hours` as a logarithm, and the body mass index."""
        height, weight = static[:, 2], static[:, 3]
        tail = on_grid(static[:, len(ADMISSION) :].double().log1p())
        return torch.cat([static[:, : len(ADMISSION)], tail, (weight / (height / 100) ** 2).unsqueeze(1)], 1)


@scripted  # how many blocks there are depends on the rows
def _window_sums(ring: Tensor, windows: Tensor, rows: int = ROWS) -> tuple[Tensor, Tensor]:
    """Of [B, W, A]: weighted sums of the values [B, 4, A] and of where there are any [B, 5, A]."""
    sums, counts = [], []
    for some in torch.split(ring, rows):
        known = (some * 0).add_(1).nan_to_num_(0.0)  # on this size masks cost ten times what arithmetic does
        sums.append(windows[:4] @ some.nan_to_num(0.0))
        counts.append(windows @ known)
    return torch.cat(sums), torch.cat(counts)
