"""Running features equal their definitions over all steps so far."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lemof_stream.model import InputSchema, StepInputs
from lemof_stream.model.channels import GRID
from lemof_stream.model.features import CONTEXT, STATISTICS, WINDOW, RunningFeatures
from lemof_stream.model.inputs import State
from lemof_stream.model.schema import ADMISSION, STATIC

CHANNELS = InputSchema().channels


def stay(values: dict[str, list[float]], steps: int) -> StepInputs:
    """One stay [1, steps] with these step values; NaN elsewhere."""
    schema = InputSchema()
    value = torch.full((1, steps, len(schema.channels)), torch.nan, dtype=torch.float64)
    for name, series in values.items():
        value[0, : len(series), schema.channels.index(name)] = torch.tensor(series, dtype=torch.float64)
    return StepInputs(
        median=value,
        last=value,
        static=torch.full((1, steps, len(schema.static)), torch.nan),
        step=torch.arange(1, steps + 1).expand(1, -1),
        minutes_open=torch.full((1, steps), 60.0),
    )


def final(values: dict[str, list[float]], steps: int) -> tuple[dict[str, dict[str, float]], State]:
    """Statistics by channel after the last step, on the unscaled channels' own scale."""
    from lemof_stream.model.channels import all_channels

    features = RunningFeatures(InputSchema())
    features.channels.scale.fill_(100.0)
    state, inputs = features.initial_state(1), stay(values, steps)
    for t in range(steps):
        found, state = features.step(inputs.at(t), state)
    named = {}
    for names, row in zip(all_channels(InputSchema()), (found.vitals[0], found.ehr[0]), strict=True):
        grid = row[: len(names) * len(STATISTICS)].view(len(STATISTICS), len(names))
        for index, name in enumerate(names):
            named[name] = dict(zip(STATISTICS, grid[:, index].tolist(), strict=True))
    return named, state


def test_statistics_of_a_gappy_series() -> None:
    series = np.array([70, np.nan, 90, 80, np.nan, np.nan, 100, *[np.nan] * 10, 110, np.nan])
    seen = series[~np.isnan(series)]
    found = final({"heart_rate": series.tolist()}, len(series))[0]["heart_rate"]
    recent = seen[-1:]
    expected = {
        "last": 1.10, "first": 0.70, "change": 0.40, "lowest": 0.70, "highest": 1.10,
        "mean": seen.mean() / 100, "deviation": seen.std() / 100,
        "mean_12": recent.mean() / 100, "drift_12": (recent.mean() - seen.mean()) / 100, "mean_4": 1.10,
        "count": np.log1p(5), "count_12": np.log1p(1), "since": np.log1p(1),
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1 / GRID)


def test_the_slope_follows_the_trend_of_24_steps() -> None:
    rising = [float(60 + t) for t in range(40)]
    found = final({"heart_rate": rising}, 40)[0]["heart_rate"]
    assert found["slope_24"] == pytest.approx(0.01, rel=0.02)


def test_a_channel_never_seen_is_undefined_but_counted() -> None:
    found = final({"heart_rate": [80.0]}, 1)[0]["lactate"]
    assert found["count"] == 0.0
    assert np.isnan(found["last"])
    assert np.isnan(found["mean_12"])


def test_derived_channels_take_the_latest_denominator() -> None:
    found = final(
        {"pao2": [np.nan, 90.0], "fio2": [0.5], "heart_rate": [np.nan, 100.0], "cuff_sbp": [np.nan, 80.0]}, 2
    )[0]
    assert found["pf_ratio"]["last"] == pytest.approx(np.log(180.05) / 100, abs=1 / GRID)
    assert found["shock_index"]["last"] == pytest.approx(1.25 / 100, abs=1 / GRID)


def test_the_line_wins_over_the_cuff() -> None:
    found = final({"art_sbp": [100.0], "cuff_sbp": [120.0]}, 1)[0]
    assert found["sbp"]["last"] == pytest.approx(1.0)


def test_values_beyond_the_plausible_range_are_clipped() -> None:
    assert final({"heart_rate": [9e9]}, 1)[0]["heart_rate"]["last"] == pytest.approx(2.5)


def test_state_is_bounded_whatever_the_length() -> None:
    state = final({"heart_rate": [80.0] * 60}, 60)[1]
    fresh = RunningFeatures(InputSchema()).initial_state(1)
    assert {name: tensor.shape for name, tensor in state.items()} == {n: t.shape for n, t in fresh.items()}


def test_context_tells_the_step_and_how_much_of_it_is_open() -> None:
    features = RunningFeatures(InputSchema())
    inputs = stay({}, 1)
    inputs.minutes_open.fill_(30.0)
    found, _ = features.step(inputs.at(0), features.initial_state(1))
    assert found.vitals[0, -len(CONTEXT) :].tolist() == pytest.approx([np.log(2), 1 / 48, 0.5])
    assert not found.seen.any()


def test_hours_before_intensive_care_are_one_more_feature_as_a_logarithm() -> None:
    few, more = (RunningFeatures(InputSchema(static=names)) for names in (ADMISSION, STATIC))
    inputs = stay({"heart_rate": [80.0]}, 1).at(0)
    static = torch.tensor([[71.0, 1.0, 170.0, 80.0, 0.0, 0.0, 1.0, 0.0, 123.4]])
    with_hours, _ = more.step(replace(inputs, static=static), more.initial_state(1))
    without, _ = few.step(replace(inputs, static=static[:, :-1]), few.initial_state(1))
    hours, rest = with_hours.ehr[0, -2], torch.cat([with_hours.ehr[:, :-2], with_hours.ehr[:, -1:]], 1)
    assert hours.item() == pytest.approx(np.log1p(123.4), abs=1 / GRID)
    assert torch.equal(rest.nan_to_num(-99.0), without.ehr.nan_to_num(-99.0))
    assert more.widths == [few.widths[0], few.widths[1] + 1]


@pytest.mark.parametrize(("silent", "seen"), [(WINDOW - 1, True), (WINDOW, False)])
def test_a_modality_that_falls_silent_is_stale_after_the_window(silent: int, seen: bool) -> None:  # noqa: FBT001
    features = RunningFeatures(InputSchema())
    inputs, state = stay({"heart_rate": [80.0]}, 1 + silent), features.initial_state(1)
    for t in range(1 + silent):
        found, state = features.step(inputs.at(t), state)
    assert found.seen.tolist() == [[seen, False]]
