"""The harness, on predictions made by hand: its report holds what a direct computation finds."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lemof_stream.cohorts import Cohort, read_cohort
from lemof_stream.cohorts.cohort import StepTargets
from lemof_stream.errors import ConfigError, DataError
from lemof_stream.training.evaluate import evaluate
from lemof_stream.training.experiments.compare import Comparison, compare
from lemof_stream.training.experiments.report import report_folder, run
from lemof_stream.training.experiments.setting import Experiment, Setting, Variant, fold_people, split_people
from lemof_stream.training.metrics import Estimate
from tests.recorded_stays import HOURS, write_stays

STAYS = 60
TASKS = ("p_death", "p_los_gt_3", "p_los_gt_7", "p_los_gt_14")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return read_cohort("physionet2012", write_stays(tmp_path_factory.mktemp("stays"), STAYS))


def guessed(cohort: Cohort, seed: int) -> pa.Table:
    """Random predictions of every step."""
    random = np.random.default_rng(seed)
    ids = [stay_id for stay_id in cohort.stay_ids for _ in range(HOURS)]
    end = np.tile(60 * np.arange(1, HOURS + 1), len(cohort))
    columns = {name: random.random(len(ids)) for name in (*TASKS, "los_days", "los_days_lo", "los_days_hi")}
    return pa.table({"stay_id": ids, "step_end_min": end} | columns)


def quiet(stage: str, share: float) -> None:
    assert stage
    assert 0 <= share <= 1


def setting(train: Cohort, test: Cohort) -> Setting:
    return Setting(lambda: (train, test), (0,), quiet)


def at(found: list[Comparison], variant: str, task: str, hour: int, group: str = "all") -> Comparison:
    return next(
        c for c in found if (c["variant"], c["task"], c["hour"], c["group"]) == (variant, task, hour, group)
    )


def test_a_score_is_the_one_that_evaluation_finds(cohort: Cohort) -> None:
    table = guessed(cohort, 0)
    direct = evaluate(table, cohort)["hours"]
    found = compare([Variant("a", [table])], cohort)
    for hour in (6, 12):
        for group in ("all", "recorded"):
            for task in ("death", "los_gt_7"):
                own = at(found, "a", f"p_{task}", hour, group)
                assert own["score"]["value"] == direct[str(hour)][group][task]["auroc"]["value"]


def test_a_difference_is_paired_and_the_first_has_none(cohort: Cohort) -> None:
    tables = [guessed(cohort, seed) for seed in range(2)]
    found = compare(
        [Variant("a", tables[:1]), Variant("b", tables[1:]), Variant("a again", tables[:1])], cohort
    )
    first, other = (at(found, name, "p_death", 6) for name in ("a", "b"))
    values = [c["score"]["value"] for c in (first, other)]
    assert values[0] is not None
    assert values[1] is not None
    assert other["difference"]["value"] == pytest.approx(values[1] - values[0], abs=2e-4)
    assert at(found, "a again", "p_death", 6)["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def stepwise(cohort: Cohort, name: str, value: np.ndarray) -> Cohort:
    """The same stays, with a target at every step."""
    stay, step = np.divmod(np.arange(len(cohort) * HOURS, dtype=np.int32), np.int32(HOURS))
    return replace(cohort, name=name, step_targets=StepTargets(stay, step + np.int32(1), value))


def test_remaining_hours_are_compared_over_every_step(cohort: Cohort) -> None:
    random = np.random.default_rng(0)
    own = stepwise(cohort, "eicu", random.uniform(1, 100, STAYS * HOURS))
    columns = ("remaining_hours", "remaining_hours_lo", "remaining_hours_hi")
    table = guessed(cohort, 0).rename_columns(
        dict(zip(("los_days", "los_days_lo", "los_days_hi"), columns, strict=True))
    )
    (found,) = compare([Variant("a", [table])], own)
    assert (found["metric"], found["hour"], found["stays"]) == ("MAE", None, STAYS)
    assert found["score"] == evaluate(table, own)["overall"]["remaining_hours"]["mae"]


def test_a_report_over_every_step_says_so(cohort: Cohort, tmp_path: Path) -> None:
    train, test = split_people(stepwise(cohort, "sepsis2019", np.arange(STAYS * HOURS) % 2.0))
    risk = np.linspace(0, 1, len(test) * HOURS)
    variants = [Variant("a", [guessed(test, 0).append_column("p_sepsis", pa.array(risk))])]
    files = run(
        Experiment("guesses", "?", lambda _: variants),
        [setting(train, test)],
        lambda: test,
        "lemof",
        tmp_path,
    )
    assert [file.name for file in files] == [f"guesses_sepsis2019.{kind}" for kind in ("md", "json", "png")]
    text = files[0].read_text()
    assert f"| variant | every hour ({len(test)} stays) | Δ |" in text
    assert "last 6 hours" not in text
    assert "### p_sepsis, utility" in text


def test_sepsis_is_compared_by_auroc_and_utility_over_every_step(cohort: Cohort) -> None:
    septic = np.arange(STAYS * HOURS) // HOURS % 3 == 0
    own = stepwise(cohort, "sepsis2019", septic.astype(float))
    certain = guessed(cohort, 0).append_column("p_sepsis", pa.array(septic * 0.9))
    same = certain.set_column(certain.column_names.index("p_sepsis"), "p_sepsis", pa.array(septic * 0.0))
    found = compare([Variant("certain", [certain]), Variant("same for all", [same])], own)
    scores = {(c["variant"], c["metric"]): c["score"]["value"] for c in found}
    assert (scores["certain", "AUROC"], scores["same for all", "AUROC"]) == (1.0, 0.5)
    assert scores["certain", "utility"] == 1.0
    assert (scores["same for all", "utility"] or 1.0) < 1.0


def test_calibration_is_compared_where_it_is_asked_for(cohort: Cohort) -> None:
    table = guessed(cohort, 0)
    found = compare([Variant("a", [table])], cohort, calibration=True)
    direct = evaluate(table, cohort)["hours"]["6"]["all"]["death"]
    own = {
        c["metric"]: c["score"]["value"]
        for c in found
        if (c["task"], c["hour"], c["group"]) == ("p_death", 6, "all")
    }
    assert own == {
        "AUROC": direct["auroc"]["value"],
        "calibration error": direct["ece"]["value"],
        "mean predicted": pytest.approx(direct["mean_predicted"], abs=1e-4),
    }


def test_seeds_are_averaged(cohort: Cohort) -> None:
    tables = [guessed(cohort, seed) for seed in range(2)]
    found = compare([Variant("a", tables[:1]), Variant("b", tables[1:]), Variant("both", tables)], cohort)
    values = [at(found, name, "p_death", 6)["score"]["value"] or 0.0 for name in ("a", "b", "both")]
    assert values[2] == pytest.approx((values[0] + values[1]) / 2, abs=1e-4)


def test_an_experiment_writes_its_table_its_numbers_and_its_figure(cohort: Cohort, tmp_path: Path) -> None:
    experiment = Experiment("guesses", "Does guessing help?", lambda _: variants, ("Nothing was trained.",))
    train, test = split_people(cohort)
    variants = [Variant(name, [guessed(test, seed)]) for seed, name in enumerate(("first", "second"))]
    files = run(experiment, [setting(train, test)], lambda: test, "lemof experiments run guesses", tmp_path)
    assert [file.name for file in files] == ["guesses.md", "guesses.json", "guesses.png"]
    text, found = files[0].read_text(), json.loads(files[1].read_text())
    assert found["comparisons"] == compare(variants, test)
    for said in ("Does guessing help?", "lemof experiments run guesses", "Nothing was trained.", "members 4"):
        assert said in text
    score = at(found["comparisons"], "second", "p_death", 6)["score"]
    assert f"| second | {score['value']:.3f} ({score['low']:.3f}, {score['high']:.3f})" in text
    assert files[2].read_bytes().startswith(b"\x89PNG")


def test_figures_that_are_no_scores_need_no_stays(tmp_path: Path) -> None:
    def unread() -> tuple[Cohort, Cohort]:
        raise AssertionError("nobody asked for stays")

    figures = {"parameters": Estimate(value=12.0, low=None, high=None)}
    experiment = Experiment("sizes", "How large?", lambda _: [Variant("a", figures=figures)])
    files = run(
        experiment,
        [Setting(unread, (0,), quiet)],
        lambda: unread()[1],
        "lemof experiments run sizes",
        tmp_path,
    )
    assert "| a | 12 |" in files[0].read_text()


def test_people_in_both_sets_are_refused(cohort: Cohort) -> None:
    with pytest.raises(DataError, match="60 people are in the stays to train on"):
        _ = setting(cohort, cohort).test


def test_one_data_set_is_parted_by_people(cohort: Cohort) -> None:
    train, test = split_people(cohort)
    assert len(train) + len(test) == STAYS
    assert 0.6 < len(train) / STAYS < 0.8
    assert not set(train.person) & set(test.person)


def test_without_a_checkout_the_folder_must_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="--out"):
        report_folder(None)
    assert report_folder(tmp_path) == tmp_path


def test_folds_score_everybody_once_by_what_learnt_from_others(cohort: Cohort, tmp_path: Path) -> None:
    folds = fold_people(cohort, 3)
    assert sorted(stay for _, test in folds for stay in test.stay_ids) == sorted(cohort.stay_ids)
    assert all(not set(train.person) & set(test.person) for train, test in folds)

    def guesses(own: Setting) -> list[Variant]:
        return [Variant("a", [guessed(own.test, 0)]), Variant("b", [guessed(own.test, 1)])]

    files = run(
        Experiment("guesses", "?", guesses), [setting(*fold) for fold in folds], lambda: cohort, "", tmp_path
    )
    assert "in 3 folds of people" in files[0].read_text()
    found = json.loads(files[1].read_text())["comparisons"]
    assert {c["stays"] for c in found if (c["task"], c["group"]) == ("p_death", "all")} == {len(cohort)}
