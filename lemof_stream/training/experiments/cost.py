"""What fusion costs over its baselines, and what a step saves over computing all steps again."""

from torch import nn

from lemof_stream.model import LeMoF, load_checkpoint
from lemof_stream.model.bench import BATCH, WINDOWS, Timing, costs_after, profile, state_bytes
from lemof_stream.training.experiments.setting import Setting, Variant
from lemof_stream.training.metrics import Estimate

TIME, NUMBERS, STATE = "µs a prediction", "numbers in the checkpoint", "bytes of state a stay"
BASELINES = {
    "vitals alone": ("running features", "encoding of vitals", "vitals encoder"),
    "EHR alone": ("running features", "encoding of EHR", "EHR encoder"),
    "boosted level alone": ("running features", "boosted level"),
}
"""Parts of a step that each needs; heads and read-out, some tenth of the decision, are left out."""


def run(setting: Setting) -> list[Variant]:
    """The shipped checkpoint, without its fusion, its baselines, and itself over all steps again."""
    return of_model(load_checkpoint().model, setting)


def of_model(
    model: LeMoF, setting: Setting, windows: tuple[int, ...] = WINDOWS, batch: int = BATCH
) -> list[Variant]:
    """The costs of any model; `batch` beds step at once."""
    parts = profile(model, batch)
    setting.progress("parts of a step", 1.0)
    state, numbers = model.initial_state(1), _sizes(model)
    features_only = {name: held for name, held in state.items() if name in model.features.initial_state(1)}
    whole = sum(numbers.values())
    variants = [
        _variant("LeMoF", sum(part.value for part in parts.values()), whole, state_bytes(state)),
        _variant(
            "LeMoF without fusion",
            sum(part.value for name, part in parts.items() if name != "fusion"),
            whole - numbers["fusion"],
            state_bytes(state),
        ),
    ]
    for name, needs in BASELINES.items():
        held = state if "vitals encoder" in needs else features_only
        size = sum(numbers[part] for part in needs)
        variants.append(_variant(name, sum(parts[part].value for part in needs), size, state_bytes(held)))
    for done, steps in enumerate(windows):
        own = costs_after(model, steps, batch)
        variants += [
            Variant(f"a step after {steps}", figures={TIME: _estimate(own["step"])}),
            Variant(f"all {steps} steps again", figures={TIME: _estimate(own["recompute"])}),
        ]
        setting.progress("steps", (done + 1) / len(windows))
    return variants


def _variant(name: str, taken: float, numbers: int, held: int) -> Variant:
    figures = {TIME: round(taken, 2), NUMBERS: float(numbers), STATE: float(held)}
    return Variant(
        name,
        figures={
            what: Estimate(value=value, low=None, high=None) for what, value in figures.items() if value
        },
    )


def _estimate(timing: Timing) -> Estimate:
    value, low, high = (round(part, 2) for part in timing)
    return Estimate(value=value, low=low, high=high)


def _sizes(model: LeMoF) -> dict[str, int]:
    """Numbers that a checkpoint holds of each part of the profile."""

    def count(*modules: nn.Module) -> int:
        return sum(tensor.numel() for module in modules for tensor in module.state_dict().values())

    own = {
        "running features": count(model.features),
        "encoding of vitals": count(model.encodings[0]),
        "encoding of EHR": count(model.encodings[1]),
        "vitals encoder": count(model.vitals, model.heads[0]),
        "EHR encoder": count(model.ehr, model.heads[1]),
        "fusion": count(model.fusion),
        "boosted level": count(model.boosted),
    }
    return own | {"decision": count(model) - sum(own.values())}
