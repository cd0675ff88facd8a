"""Simulated patients: what is coupled to what, and what illness and treatment do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lemof_stream.contracts.channels import CHANNELS
from simulators.physiology import (
    ARCHETYPES,
    BLOOD,
    GAS,
    LACTATE,
    LIPIDS,
    LIVER,
    SIGNS,
    TROPONIN_I,
    TROPONIN_T,
    Laboratory,
    Patients,
    chart,
    meet,
)
from simulators.physiology.lungs import dissociation, oxygen_pressure

DAY_MIN = 24 * 60
PATIENTS = 80
NAMES = [archetype.name for archetype in ARCHETYPES]


def patients_of(archetype: str, seed: int = 3) -> Patients:
    """Patients of one kind, of many drawn."""
    random = np.random.default_rng(seed)
    many = Patients(meet(["medical", "cardiac_surgery", "surgical"] * 600, random), 8 * 60.0, random)
    own = np.flatnonzero(many.traits.archetype == NAMES.index(archetype))[:PATIENTS]
    few = Patients(meet(["medical"] * len(own), random), 8 * 60.0, random)
    every = np.arange(len(own))
    for columns, drawn in ((few.traits, many.traits), (few.state, many.state)):
        picked: Any = type(drawn)(**{name: value[own] for name, value in vars(drawn).items()})
        columns.put(every, picked)
    return few


def live(patients: Patients, minutes: int) -> np.ndarray:
    """Signs [minutes, V, P]."""
    return np.array([patients.advance() for _ in range(minutes)])


def mean(signs: np.ndarray, name: str) -> float:
    return float(signs[:, SIGNS.index(name)].mean())


def test_a_bleeding_makes_the_heart_fast_before_the_pressure_falls_and_dilutes_the_blood() -> None:
    bleeding = patients_of("bleeding")
    bleeding.traits.onset[:], bleeding.traits.controlled[:] = 120.0, 420.0
    bleeding.traits.bleeding[:] = 0.0015
    before = live(bleeding, 120)
    first, rest = live(bleeding, 90), live(bleeding, 210)

    fall = (mean(before, "map") - mean(first, "map")) / mean(before, "map")
    rise = (mean(first, "heart_rate") - mean(before, "heart_rate")) / mean(before, "heart_rate")
    assert fall < 0.05
    assert rise > 0
    assert mean(rest, "heart_rate") > mean(before, "heart_rate") + 5
    assert mean(rest, "map") < mean(before, "map") - 3
    live(bleeding, 8 * 60)  # what fills the vessels again holds no red cells
    assert np.mean(bleeding.state.red_cells / bleeding.state.volume) < 0.9


def test_septic_shock_is_warm_fast_and_low() -> None:
    septic, stable = patients_of("septic shock"), patients_of("stable")
    live(septic, 14 * 60)
    live(stable, 14 * 60)
    ill, well = live(septic, 120), live(stable, 120)

    assert mean(ill, "temperature") > mean(well, "temperature") + 0.4
    assert mean(ill, "heart_rate") > mean(well, "heart_rate") + 8
    assert mean(ill, "map") < mean(well, "map") - 5
    assert septic.state.lactate.mean() > stable.state.lactate.mean() + 1
    assert septic.state.vasopressor.mean() > stable.state.vasopressor.mean()


def test_respiratory_failure_lowers_saturation_and_quickens_breath() -> None:
    failing, stable = patients_of("respiratory failure"), patients_of("stable")
    for patients in (failing, stable):
        patients.state.ventilated[:] = False
        patients.state.sedation[:] = 0.0
    worse, well = live(failing, 12 * 60), live(stable, 12 * 60)

    assert mean(worse[-120:], "spo2") < mean(well[-120:], "spo2") - 1
    assert mean(worse[:360], "resp_rate") > mean(well[:360], "resp_rate")
    assert failing.state.ventilated.mean() > stable.state.ventilated.mean() + 0.1
    assert failing.state.fio2.mean() > stable.state.fio2.mean() + 0.1


def test_who_is_weaned_warms_up_wakes_up_and_leaves_the_ventilator() -> None:
    weaning = patients_of("weaning")
    cold, score = weaning.state.temperature.mean(), score_of(weaning)
    assert weaning.state.ventilated.all()
    live(weaning, 2 * DAY_MIN)

    assert weaning.state.temperature.mean() > cold + 0.5
    assert weaning.state.ventilated.mean() < 0.6
    assert score_of(weaning) > score + 2


def score_of(patients: Patients) -> float:
    rows = np.arange(len(patients.state.minute))
    return float(np.mean([v["gcs"] for v in chart.coma(rows, patients, np.random.default_rng(0))]))


def test_who_stays_stable_rarely_dies_and_a_refractory_shock_often_is_lethal() -> None:
    stable, septic = patients_of("stable"), patients_of("septic shock")
    septic.traits.response[:], septic.traits.controlled[:] = 0.15, 10 * DAY_MIN
    septic.traits.onset[:], septic.traits.infection[:] = 0.0, 1.3
    died = []
    for patients in (stable, septic):
        patients.traits.planned[:] = 30 * DAY_MIN
        gone = np.zeros(len(patients.state.minute), np.bool_)
        for _ in range(2 * DAY_MIN):
            patients.advance()
            gone |= patients.leaving()
        died.append(gone.mean())
    assert died[0] < 0.1
    assert died[1] > 0.5


def vasopressor(patients: Patients) -> None:
    patients.state.vasopressor[:] = 0.3


def fluids(patients: Patients) -> None:
    patients.state.volume += 0.15


def sedation(patients: Patients) -> None:
    patients.state.sedation[:] = 0.9


def oxygen(patients: Patients) -> None:
    patients.state.fio2[:] = 0.6


def antipyretic(patients: Patients) -> None:
    patients.state.antipyretic[:] = 0.9


@pytest.mark.parametrize(
    ("given", "sign", "archetype", "minutes", "least"),
    [
        (vasopressor, "map", "stable", 30, 5.0),
        (fluids, "map", "bleeding", 30, 2.0),
        (sedation, "resp_rate", "stable", 20, -1.0),
        (sedation, "map", "stable", 30, -1.0),
        (oxygen, "spo2", "respiratory failure", 20, 1.0),
        (antipyretic, "temperature", "septic shock", 90, -0.2),
    ],
)
def test_a_treatment_acts(
    given: Callable[[Patients], None], sign: str, archetype: str, minutes: int, least: float
) -> None:
    treated, untreated = patients_of(archetype), patients_of(archetype)
    if archetype == "respiratory failure":
        treated.state.shunt[:] = untreated.state.shunt[:] = 0.35  # at once, not within hours
    given(treated)

    change = mean(live(treated, minutes)[-10:], sign) - mean(live(untreated, minutes)[-10:], sign)
    assert change > least if least > 0 else change < least


def test_peep_opens_lungs_and_costs_output() -> None:
    saturation, output = [], []
    for pressure in (5.0, 15.0):
        patients = patients_of("respiratory failure")
        patients.state.shunt[:], patients.state.ventilated[:] = 0.35, True
        for _ in range(20):
            patients.state.peep[:], patients.state.fio2[:] = pressure, 0.6  # not what guidelines would set
            patients.advance()
        saturation.append(patients.state.saturation.mean())
        output.append(patients.state.output.mean())
    assert saturation[1] > saturation[0] + 0.01
    assert output[1] < output[0] - 0.01


def test_temperature_and_heart_rate_follow_the_time_of_day() -> None:
    signs = live(patients_of("stable"), 2 * DAY_MIN)
    from_five = (17 - 8) * 60  # the patients' clock begins at eight

    for name, least in (("temperature", 0.2), ("heart_rate", 1.0)):
        course = signs[:, SIGNS.index(name)].mean(1)
        afternoon = course[from_five + DAY_MIN - 60 : from_five + DAY_MIN + 60].mean()
        night = course[from_five + DAY_MIN - 13 * 60 : from_five + DAY_MIN - 11 * 60].mean()
        assert afternoon > night + least


def test_signs_move_together() -> None:
    moves = np.diff(live(patients_of("stable"), 6 * 60), axis=0)
    together = np.corrcoef(moves.transpose(1, 0, 2).reshape(len(SIGNS), -1))

    assert together[SIGNS.index("sbp"), SIGNS.index("dbp")] > 0.4
    assert together[SIGNS.index("resp_rate"), SIGNS.index("etco2")] < -0.1


def test_oxygen_pressure_undoes_dissociation() -> None:
    pressure = np.array([20.0, 27.0, 60.0, 100.0, 300.0])

    assert np.allclose(oxygen_pressure(dissociation(pressure)), pressure)
    assert dissociation(np.array([100.0]))[0] == pytest.approx(0.975, abs=0.005)


def test_laboratory_values_follow_the_state_and_are_plausible() -> None:
    septic, stable = patients_of("septic shock"), patients_of("stable")
    drawn = []
    for patients in (septic, stable):
        live(patients, DAY_MIN)
        rows = np.arange(len(patients.state.minute))
        laboratory = Laboratory(len(rows), np.random.default_rng(1))
        panels = [
            laboratory.draw(panel, rows, patients)
            for panel in (GAS, LACTATE, BLOOD, LIVER, TROPONIN_T, TROPONIN_I, LIPIDS)
        ]
        drawn.append([{k: v for panel in row for k, v in panel.items()} for row in zip(*panels, strict=True)])
    for values in [*drawn[0], *drawn[1]]:
        for name, value in values.items():
            assert CHANNELS[name].plausible.low <= value <= CHANNELS[name].plausible.high
    ill, well = ({name: np.mean([v[name] for v in rows]) for name in drawn[0][0]} for rows in drawn)
    assert ill["wbc"] > well["wbc"] + 2
    assert ill["lactate"] > well["lactate"] + 0.5
    assert ill["platelets"] < well["platelets"]
    assert ill["creatinine"] > well["creatinine"]
    assert ill["ph"] < well["ph"]
