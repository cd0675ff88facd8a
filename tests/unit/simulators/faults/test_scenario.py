"""Scenario files: those that ship, and what is said of one that does not fit."""

from pathlib import Path

import pytest

from lemof_stream.errors import ConfigError
from simulators.faults.plan import plan
from simulators.faults.scenario import load, shipped
from tests.unit.simulators.faults.wards import scenario

WARD = 'about = "a test"\nseed = 0\nbeds = 4\nhours = 4\nspeed = 3600\n'
FAULT = '[[faults]]\nkind = "drop"\nstart_min = 60\nlength_min = 60\nshare = 0.1\n'


def test_six_scenarios_ship_and_each_fault_of_theirs_touches_something() -> None:
    found = shipped()

    assert set(found) == {
        "broken-gateway", "broker-pause", "clock-skew", "flaky-network", "runner-kill", "silent-ward"
    }  # fmt: skip
    for named in found.values():
        plan(named.model_copy(update={"beds": 4}))  # refuses a fault that touches nothing


def test_a_scenario_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(WARD + FAULT)

    assert load(str(tmp_path / "own.toml")).faults[0].kind == "drop"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("about = ", "is no TOML"),
        (WARD, "at faults: Field required"),
        (
            WARD + FAULT.replace("0.1", "1.5"),
            "at faults.0.drop.share: Input should be less than or equal to 1",
        ),
        (WARD + FAULT.replace("drop", "flood"), "at faults.0: Input tag 'flood'"),
        (WARD + FAULT + "by_min = 3\n", "at faults.0.drop.by_min: Extra inputs are not permitted"),
        (
            WARD + FAULT.replace("start_min = 60", "start_min = 240"),
            "begins after the ward's last minute, 240",
        ),
        (
            WARD.replace("hours = 4", "hours = 24").replace("beds = 4", "beds = 1000") + FAULT,
            "200,000 windows",
        ),
        (
            WARD
            + '[[faults]]\nkind = "clock_skew"\nstart_min = 60\nlength_min = 60\nbeds = 1\nby_min = 5000\n',
            "take at most 2640 in all",
        ),
        (
            WARD + '[[faults]]\nkind = "broker_pause"\nstart_min = 60\nseconds = 30\n',
            "less than or equal to 8",
        ),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text)

    with pytest.raises(ConfigError) as refused:
        load(str(file))

    sentence = str(refused.value)
    assert complaint in sentence
    assert str(file) in sentence
    assert sentence.endswith("correct it.")
    assert "\n" not in sentence


def test_a_name_that_is_none_is_told_with_where_to_look() -> None:
    with pytest.raises(ConfigError, match=r"runner-kil cannot be read.*lemof-sim faults list"):
        load("runner-kil")


def test_a_fault_that_touches_nothing_is_refused() -> None:
    rare = {"kind": "drop", "start_min": 60, "length_min": 1, "share": 1e-9}

    with pytest.raises(ConfigError, match="The fault drop from minute 60 on touches no message"):
        plan(scenario(rare))
