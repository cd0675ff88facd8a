"""Published data sets, read into one `Cohort` type, with counts of what was dropped and why."""

from lemof_stream.cohorts.bidmc import Recording, Recordings
from lemof_stream.cohorts.cohort import Cohort, StepTargets
from lemof_stream.cohorts.read import COHORTS, NO_STAYS, cohort_of, read_cohort, read_report
from lemof_stream.cohorts.report import ParameterCounts, ReadReport

__all__ = [
    "COHORTS",
    "NO_STAYS",
    "Cohort",
    "ParameterCounts",
    "ReadReport",
    "Recording",
    "Recordings",
    "StepTargets",
    "cohort_of",
    "read_cohort",
    "read_report",
]
