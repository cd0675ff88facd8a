"""What a prediction costs: one step from the state, against computing the same from all steps again.

    B rows, T steps

Times are microseconds of one core a row: the processor time of the one thread that computes. On an idle machine that is
the time on the wall, and what else runs adds little to it. A figure is the median of interleaved repeats of one run.
"""

import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any, NamedTuple

import torch

from lemof_stream.model.features import Features
from lemof_stream.model.inputs import State, StepInputs, StepOutput
from lemof_stream.model.lemof import LeMoF
from lemof_stream.model.schema import InputSchema
from lemof_stream.model.traced import TracedStep

BATCH = 1024
AGAIN_ROWS = 128
"""Rows computed again at once: of this size the processor's caches hold most, so the comparison is not unfair."""
WINDOW = 48
"""Steps computed again in the headline: the horizon of PhysioNet 2012."""
WINDOWS = 12, 24, 48, 96
REPEATS = 7
PARITY_ROWS, PARITY_STEPS = 32, 80
"""Longer than any window of a feature or ring of an encoder."""
SEEN = 0.3
"""Share of the values seen a step: a monitored bed with its laboratory values."""


class Timing(NamedTuple):
    """Microseconds a row: median and quartiles."""

    value: float
    low: float
    high: float


def measure(model: LeMoF, windows: tuple[int, ...] = WINDOWS, batch: int = BATCH) -> dict[str, Any]:
    """The figures of `lemof bench model`; `windows` holds `WINDOW`."""
    torch.set_num_threads(1)
    by_window = [costs_after(model, steps, batch) for steps in windows]
    headline = by_window[windows.index(WINDOW)]
    step_us = headline["step"].value
    return {
        "parity_max_abs": parity(model),
        "batch": batch,
        "threads": torch.get_num_threads(),
        "step_us": round(step_us, 2),
        "steps_per_s": round(1e6 / step_us),
        "recompute_us": round(headline["recompute"].value, 2),
        "speedup": round(headline["recompute"].value / step_us, 1),
        "by_window": [
            {
                "steps": steps,
                "step_us": round(own["step"].value, 2),
                "recompute_us": round(own["recompute"].value, 2),
                "speedup": round(own["recompute"].value / own["step"].value, 1),
                "recompute_last_us": round(own["recompute_last"].value, 2),
            }
            for steps, own in zip(windows, by_window, strict=True)
        ],
        "profile_us": {name: round(own.value, 2) for name, own in profile(model, batch).items()},
    }


@torch.inference_mode()
def costs_after(model: LeMoF, steps: int, batch: int = BATCH) -> dict[str, Timing]:
    """`step`: the next step after so many, as it is served; `recompute`: all of them with `forward`, as without state;
    `recompute_last`: no more of them than the last step's prediction needs.
    """
    served = TracedStep(model)
    inputs = random_inputs(model.schema, batch, steps, seed=0)
    state = model.initial_state(batch)
    for t in range(steps - 1):
        state = served.after(inputs.at(t), state)
    few, last = inputs.rows(slice(0, AGAIN_ROWS)), _contiguous(inputs.at(steps - 1))
    return timings(
        {
            "step": (lambda: served.step(last, state), batch),
            "recompute": (lambda: model(few), min(AGAIN_ROWS, batch)),
            "recompute_last": (lambda: recompute_last(model, few), min(AGAIN_ROWS, batch)),
        }
    )


def recompute_last(model: LeMoF, inputs: StepInputs) -> StepOutput:
    """The last step's outputs [B] from whole stays [B, T], and no more than they need."""
    rows, steps = inputs.step.shape
    features = model.run_features(inputs)
    vitals = model.vitals(model.encodings[0](features.vitals), steps)
    last = torch.arange(1, rows + 1) * steps - 1
    newest = Features(features.vitals[last], features.ehr[last], features.seen[last])
    levels = [[level[:, last] for level in vitals], model.ehr(model.encodings[1](newest.ehr))]
    return model.decide(levels, newest, model.hours_passed(inputs.at(steps - 1)))


@torch.inference_mode()
def profile(model: LeMoF, batch: int = BATCH) -> dict[str, Timing]:
    """Where the time of one step goes. The parts, run from Python, may sum to more than a step, which is one call."""
    inputs, state = (
        _contiguous(random_inputs(model.schema, batch, 1, seed=0).at(0)),
        model.initial_state(batch),
    )
    features = model.features.step(inputs, state)[0]
    vitals, ehr = model.encodings[0](features.vitals), model.encodings[1](features.ehr)
    levels = [model.vitals.step(vitals, state)[0], model.ehr(ehr)]
    hours = model.hours_passed(inputs)
    found = timings(
        {
            "running features": (lambda: model.features.step(inputs, state), batch),
            "encoding of vitals": (lambda: model.encodings[0](features.vitals), batch),
            "encoding of EHR": (lambda: model.encodings[1](features.ehr), batch),
            "vitals encoder": (lambda: model.vitals.step(vitals, state), batch),
            "EHR encoder": (lambda: model.ehr(ehr), batch),
            "fusion": (lambda: model.fusion(levels, features.seen), batch),
            "boosted level": (lambda: model.boosted(features.vitals, features.ehr), batch),
            "decision": (lambda: model.decide(levels, features, hours), batch),
        }
    )
    inside = found["fusion"].value + found["boosted level"].value  # are parts of what `decide` took
    found["decision"] = Timing(*(max(value - inside, 0.0) for value in found["decision"]))
    return found


@torch.inference_mode()
def parity(model: LeMoF) -> float:
    """The largest absolute difference of any published column between stepping and whole stays, on random streams."""
    served = TracedStep(model)
    inputs = random_inputs(model.schema, PARITY_ROWS, PARITY_STEPS, seed=1)
    whole, state, largest = model(inputs), model.initial_state(PARITY_ROWS), 0.0
    for t in range(PARITY_STEPS):
        output, state = served.step(inputs.at(t), state)
        for name, column in output.columns.items():
            largest = max(largest, (column - whole.columns[name][:, t]).abs().max().item())
    return largest


def timings(calls: dict[str, tuple[Callable[[], object], int]]) -> dict[str, Timing]:
    """Time calls that each work on so many rows, in turns. Each follows one of its own kind, as it does in service."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPEATS):
        for name, (call, rows) in calls.items():
            call()
            start = time.thread_time()
            call()
            taken[name].append((time.thread_time() - start) * 1e6 / rows)
    return {name: _timing(own) for name, own in taken.items()}


def _timing(taken: list[float]) -> Timing:
    low, _, high = quantiles(taken, n=4)
    return Timing(median(taken), low, high)


def random_inputs(schema: InputSchema, rows: int, steps: int, seed: int) -> StepInputs:
    """Stays [B, T, ...] whose values are drawn from the plausible ranges; whole steps."""
    random = torch.Generator().manual_seed(seed)
    limits = torch.tensor(schema.plausible)
    low, span = limits[:, 0], limits[:, 1] - limits[:, 0]
    shape = rows, steps, len(schema.channels)
    value = low + span * torch.rand(shape, generator=random)
    value[torch.rand(shape, generator=random) >= SEEN] = torch.nan
    static = 60 * torch.rand(rows, 1, len(schema.static), generator=random)
    return StepInputs(
        median=value,
        last=value.clone(),
        static=static.expand(-1, steps, -1),
        step=torch.arange(1, steps + 1).expand(rows, -1),
        minutes_open=torch.full((rows, steps), float(schema.step_minutes)),
    )


def _contiguous(inputs: StepInputs) -> StepInputs:
    return StepInputs(**{name: tensor.contiguous() for name, tensor in vars(inputs).items()})


def state_bytes(state: State) -> int:
    """Bytes of the state of each of its rows."""
    return sum(held[0].nbytes for held in state.values())
