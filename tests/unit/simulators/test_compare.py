"""The simulated ward beside recorded stays, as `lemof-sim compare` tells it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lemof_stream.cohorts import read_cohort
from simulators.compare import Compared, compare, markdown

CLOSE = (
    "heart_rate",
    "art_map",
    "art_sbp",
    "cuff_map",
    "resp_rate",
    "temperature",
    "ph",
    "paco2",
    "hct",
    "sodium",
)


@pytest.fixture(scope="module")
def found(data_dir: Path) -> Compared:
    """Set a beside half a day of 60 beds."""
    return compare(read_cohort("physionet2012", data_dir / "physionet2012" / "set-a.tar.xz"), 60, 12, 0)


def test_simulated_medians_lie_within_the_recorded_quartiles(found: Compared) -> None:
    for name in CLOSE:
        recorded, simulated = found.recorded[name], found.simulated[name]
        assert recorded.q25 is not None
        assert recorded.q75 is not None
        assert simulated.median is not None
        assert recorded.q25 <= simulated.median <= recorded.q75, name


def test_statistics_of_a_recording_are_those_of_its_values(found: Compared, data_dir: Path) -> None:
    cohort = read_cohort("physionet2012", data_dir / "physionet2012" / "set-a.tar.xz")
    rows = (cohort.channel == cohort.channels.index("gcs")) & (cohort.minute <= 12 * 60)
    scored = zip(cohort.stay[rows].tolist(), cohort.minute[rows].tolist(), strict=True)
    hours = {(stay, max(1, -(-minute // 60))) for stay, minute in scored}
    own = np.minimum(-(-cohort.recorded_until // 60), 12).sum()

    assert found.recorded["gcs"].missing == pytest.approx(1 - len(hours) / own)
    slips = cohort.report.parameters["SysABP"]
    wrong = slips.clipped + slips.dropped["impossible"]
    assert found.recorded["art_sbp"].implausible == pytest.approx(wrong / slips.read)
    assert wrong > 0


def test_monitors_have_more_artefacts_than_charts_where_a_probe_slips(found: Compared) -> None:
    assert found.simulated["heart_rate"].implausible > found.recorded["heart_rate"].implausible
    assert 0.001 < found.simulated["art_map"].implausible < 0.01


def test_the_table_has_a_row_for_each_channel(found: Compared) -> None:
    rows = [line for line in markdown(found, "lemof-sim compare").splitlines() if line.startswith("| ")]

    assert len(rows) == 1 + len(found.recorded)
    assert f"| {found.simulated['heart_rate'].median:.3g} (" in rows[1]
    assert {row.count("|") for row in rows} == {10}


def test_the_command_tells_it_as_json(data_dir: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from simulators.cli.main import main; main()", "compare", "--json"),
            *("--beds", "2", "--data", str(data_dir / "physionet2012" / "set-a.tar.xz")),
        ],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    parsed = Compared.model_validate_json(done.stdout)
    assert (parsed.simulated_stays, parsed.hours) == (2, 48)
