"""`lemof bench engine` in a reduced form: it measures what it says, whatever the machine's speed."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.programs import run_lemof

_DEADLINE_S = (
    600.0  # a minute and a half on an idle machine, most of it starts of Kafka and of what is measured
)


@pytest.mark.timeout(_DEADLINE_S + 60)
def test_a_run_measures_engine_and_rivals_latency_and_memory_and_draws_the_curve(tmp_path: Path) -> None:
    figure = tmp_path / "latency.png"
    done = run_lemof(
        "bench", "engine", "--beds", "40", "--seconds", "1", "--figure", str(figure), "--json",
        deadline_s=_DEADLINE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["beds"] == 40
    for rival in ("bare_copy", "faust", "quix"):
        assert found[f"{rival}_windows_per_s"] > 0
        ratio = found["windows_per_s"] / found[f"{rival}_windows_per_s"]
        assert found[f"ratio_{rival}"] == pytest.approx(ratio, rel=0.05), (
            "to what the printed rates are rounded"
        )
    assert found["latency_ms"].keys() == {"exactly_once", "at_least_once"}
    for latency in (*found["latency_ms"].values(), *found["latency_curve"]):
        _assert_plausible(latency)
    assert [point["windows_per_s"] for point in found["latency_curve"]][:1] == [100]
    assert found["memory_bytes"].keys() >= {"4", "40"}
    assert min(found["memory_bytes"].values()) > 50e6, "a process with torch in it"
    assert list(found["soak_bytes"]) == ["15", "30", "45", "60", "75", "90"]
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_too_few_beds_are_a_wrong_usage() -> None:
    done = run_lemof("bench", "engine", "--beds", "1", "--json")
    assert (done.returncode, done.stdout) == (2, "")


def _assert_plausible(latency: dict[str, Any]) -> None:
    assert latency["windows"] > 0
    if not latency["saturated"]:
        assert latency["missing"] == 0
        assert 0 < latency["p50"] <= latency["p99"]
        assert math.isfinite(latency["p99"])
