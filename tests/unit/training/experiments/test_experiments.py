"""Every experiment runs from stays to a comparison; what a change does to the stays."""

from dataclasses import replace

import pytest
import torch

from lemof_stream.cohorts import Cohort, read_cohort
from lemof_stream.errors import DataError
from lemof_stream.model.lemof import Architecture, LeMoF
from lemof_stream.training.experiments import amount, cost
from lemof_stream.training.experiments.amount import some_people
from lemof_stream.training.experiments.compare import compare
from lemof_stream.training.experiments.missing import CHANGES, LATE_STEPS, late, missing, modalities, noisy
from lemof_stream.training.experiments.registry import EXPERIMENTS
from lemof_stream.training.experiments.setting import Setting
from lemof_stream.training.experiments.variants import predictions, rebuilt, scored_stays
from lemof_stream.training.recipe import default_config
from lemof_stream.training.rivals import boosting
from tests.model_streams import random_model, random_stays
from tests.recorded_stays import write_stays

SIZES = Architecture(members=4, vitals_width=4, ehr_width=4, fused_width=4, trees=4)
RECIPE = replace(default_config("physionet2012").recipe, epochs=1, fusion_epochs=1, stays_a_batch=60)


@pytest.fixture(scope="module")
def stays(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return read_cohort("physionet2012", write_stays(tmp_path_factory.mktemp("stays"), 120))


def quiet(stage: str, share: float) -> None:
    assert stage
    assert 0 <= share <= 1


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if name not in {"cost", "signals"}])
def test_every_experiment_compares_its_variants_with_the_first(
    name: str, stays: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(amount, "PERCENT", (100, 75, 50))  # of so few stays no smaller part can be trained on
    monkeypatch.setattr(boosting, "MOST_ROUNDS", 3)
    monkeypatch.setattr(boosting, "TRIALS", 1)
    cohorts = stays.take(range(90)), stays.take(range(90, 120))
    setting = Setting(lambda: cohorts, (0,), quiet, SIZES, RECIPE)
    variants = EXPERIMENTS[name].run(setting)
    found = compare(variants, setting.test)
    assert len({variant.name for variant in variants}) == len(variants) > 1
    assert all(
        c["score"]["value"] is not None for c in found if (c["task"], c["group"]) == ("p_death", "all")
    )
    firsts = [c["difference"]["value"] for c in found if c["variant"] == variants[0].name]
    assert {value for value in firsts if value is not None} == {0.0}


def test_a_rebuilt_model_keeps_the_first_stage_and_gets_a_fusion_of_its_own() -> None:
    model = random_model()
    made = rebuilt(model, replace(model.sizes, attention="gated"))
    for name, tensor in model.ehr.state_dict().items():
        assert torch.equal(made.ehr.state_dict()[name], tensor)
    assert torch.equal(made.boosted.leaf, model.boosted.leaf)
    assert "attention.gate.weight" in made.fusion.state_dict()


def test_smaller_amounts_are_parts_of_larger_ones(stays: Cohort) -> None:
    half, tenth = (set(some_people(stays, percent, seed=1).person) for percent in (50, 10))
    assert (len(half), len(tenth)) == (60, 12)
    assert tenth < half
    assert set(some_people(stays, 10, seed=2).person) != tenth


def test_parts_too_small_to_train_on_are_refused(stays: Cohort) -> None:
    cohorts = stays.take(range(90)), stays.take(range(90, 120))
    with pytest.raises(DataError, match="5% of the people to train on have 5 stays"):
        amount.run(Setting(lambda: cohorts, (0,), quiet, SIZES, RECIPE))


@pytest.fixture(scope="module")
def model() -> LeMoF:
    return random_model()


def test_a_missing_modality_leaves_the_other_as_it_is(model: LeMoF) -> None:
    inputs, vitals = random_stays(5, 8, 0), modalities(model)["vitals"]
    found = missing(inputs, vitals, model)
    assert bool(found.last[..., vitals].isnan().all())
    rest = slice(vitals.stop, None)
    assert torch.equal(found.last[..., rest].nan_to_num(-1), inputs.last[..., rest].nan_to_num(-1))


def test_a_late_modality_arrives_steps_later(model: LeMoF) -> None:
    inputs, ehr = random_stays(5, 8, 0), modalities(model)["EHR"]
    found = late(inputs, ehr, model)
    assert bool(found.last[:, :LATE_STEPS, ehr].isnan().all())
    assert torch.equal(found.last[:, LATE_STEPS:, ehr].nan_to_num(-1), inputs.last[:, :2, ehr].nan_to_num(-1))


def test_a_stay_shorter_than_the_delay_sees_nothing(model: LeMoF) -> None:
    inputs, ehr = random_stays(5, LATE_STEPS - 2, 0), modalities(model)["EHR"]
    assert bool(late(inputs, ehr, model).last[..., ehr].isnan().all())


def test_noise_is_off_by_half_a_deviation_and_sees_what_was_seen(model: LeMoF) -> None:
    inputs, vitals = random_stays(400, 8, 0), modalities(model)["vitals"]
    found = noisy(inputs, vitals, model)
    before, after = inputs.median[..., vitals], found.median[..., vitals]
    assert torch.equal(before.isnan(), after.isnan())
    off = (after - before).flatten(0, 1)
    share = (
        off.square().nanmean(0).sqrt()
        / (before - before.flatten(0, 1).nanmean(0)).flatten(0, 1).square().nanmean(0).sqrt()
    )
    assert bool(((share > 0.3) & (share < 0.6)).all())  # the plausible range cuts some of it off


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_changes_predictions(what: str, model: LeMoF, stays: Cohort) -> None:
    data = scored_stays(stays.take(range(5)), model)
    changed = replace(data, inputs=CHANGES[what](data.inputs, modalities(model)["vitals"], model))
    assert predictions(model, data)["p_death"] != predictions(model, changed)["p_death"]


def test_costs_tell_fusion_from_the_rest(model: LeMoF) -> None:
    def unread() -> tuple[Cohort, Cohort]:
        raise AssertionError("costs need no stays")

    found = {
        v.name: v.figures for v in cost.of_model(model, Setting(unread, (0,), quiet), windows=(2,), batch=8)
    }
    numbers = {name: own[cost.NUMBERS]["value"] or 0.0 for name, own in found.items() if cost.NUMBERS in own}
    fusion = sum(tensor.numel() for tensor in model.fusion.state_dict().values())
    assert numbers["LeMoF"] == sum(tensor.numel() for tensor in model.state_dict().values())
    assert numbers["LeMoF"] - numbers["LeMoF without fusion"] == fusion
    assert {"a step after 2", "all 2 steps again"} <= set(found)
