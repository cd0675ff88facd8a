"""Published data sets, read into one `Cohort` type, with counts of what was dropped and why."""

from lemof_stream.cohorts.cohort import Cohort, StepTargets
from lemof_stream.cohorts.read import COHORTS, cohort_of, read_cohort
from lemof_stream.cohorts.report import ParameterCounts, ReadReport

__all__ = ["COHORTS", "Cohort", "ParameterCounts", "ReadReport", "StepTargets", "cohort_of", "read_cohort"]
